/** What can be set for a runtime, its defaults, and the one place that checks it. */

import { checkOptionalPort, clockMethods, randomMethods } from './kernel/arguments.js';
import type { Clock, Random } from './kernel/clock.js';
import { invalidArgument } from './kernel/errors.js';
import type { TelemetryBus } from './kernel/telemetry.js';
import { type GatewayConfig, type GatewayOptions, gatewayConfig } from './runtime/gateway-config.js';
import type { CarrierChoice } from './runtime/local-carrier.js';
import { refuseUnknown } from './runtime/refuse-unknown.js';
import { type AuditOptions, DEFAULT_AUDIT_ENTRIES } from './sessions/audit.js';
import type { RateOptions } from './sessions/rate-limit.js';
import { defaultSessionLimits, type SessionLimits } from './sessions/services.js';
import type { SessionStore } from './sessions/store.js';
import { defaultVariableLimits } from './variables/limits.js';
import { isPlainObject } from './variables/plain-data.js';
import { MAX_DOCUMENT_BYTES } from './variables/transfer-decode.js';
import { isUserType, type UserType } from './variables/types/define-type.js';
import { TypeRegistry } from './variables/types/registry.js';
import type { LauncherFactory } from './workers/launcher.js';
import { warmSpawn } from './workers/launchers/zygote.js';
import type { PoolOptions } from './workers/pool-options.js';

export type { GatewayOptions } from './runtime/gateway-config.js';

export interface PythonOptions {
  /** Pools by name. Default: `default` with two workers. */
  readonly pools?: Readonly<Record<string, PoolOptions>>;
  /** How workers are started. Default: as child processes, as each pool says with `start`. */
  readonly launcher?: LauncherFactory;
  /**
   * What workers that this runtime starts attach over: a `local` socket, or `grpc`, as workers of other machines do.
   * Default: `local` where that can be had; `grpc` for workers that a `launcher` starts.
   */
  readonly carrier?: 'local' | 'grpc';
}

export interface LimitOptions {
  /** Commands that may wait in one session. Default 10,000. */
  readonly mailbox?: number;
  /** Variables in one session. Default 100,000. */
  readonly maxVariables?: number;
  /** Registrations or writes in one command. Default 10,000. */
  readonly maxBatch?: number;
  /** Bytes of one value, about. Default 64 MiB. */
  readonly maxValueBytes?: number;
  /** Characters of a variable's name. Default 128. */
  readonly maxNameLength?: number;
  /** Keys in the metadata of one variable: those of its registration and of all writes together. Default 1000. */
  readonly maxMetadataKeys?: number;
  /** Bytes of a document that is imported. Default 16 MiB. */
  readonly maxImportBytes?: number;
  /** Commands of one session per second in the long run. Default: as many as it can carry out. */
  readonly ratePerSecond?: number;
  /** Commands of one session at once, with `ratePerSecond`. Default: those of one second. */
  readonly burst?: number;
}

/** Receives one line for each thing that a person may have to look at. */
export interface Logger {
  info(message: string, fields?: Readonly<Record<string, unknown>>): void;
  warn(message: string, fields?: Readonly<Record<string, unknown>>): void;
}

export interface RuntimeOptions {
  /** Default: `memoryStore()`. The runtime closes it when it stops. */
  readonly store?: SessionStore;
  /** Started once something needs it, or by `runtime.gateway.start()`; `false` forbids it. */
  readonly gateway?: GatewayOptions | false;
  /** Started once something needs it; `false` forbids Python. */
  readonly python?: PythonOptions | false;
  readonly limits?: LimitOptions;
  /** Types of variables besides those that are built in, made with `defineType`. */
  readonly types?: readonly UserType[];
  /** How much each session remembers of who did what, and whose values stay secret. */
  readonly audit?: AuditOptions;
  /** Default: silent. */
  readonly logger?: Logger;
  /**
   * Attaches an exporter to the telemetry bus before the first event: `(events) => openTelemetry(events, { meter })`.
   * What it returns is called once everything has stopped.
   */
  readonly telemetry?: TelemetryExporter;
  readonly clock?: Clock;
  readonly random?: Random;
}

export type TelemetryExporter = (events: TelemetryBus) => (() => void) | undefined;

export interface RuntimeConfig {
  readonly gateway: GatewayConfig | false;
  readonly pools: Readonly<Record<string, PoolOptions>> | false;
  readonly launcher: LauncherFactory;
  readonly carrier: CarrierChoice;
  readonly limits: SessionLimits;
  readonly types: TypeRegistry;
  readonly audit: AuditOptions;
}

const known = ['store', 'gateway', 'python', 'limits', 'types', 'audit', 'logger', 'telemetry', 'clock', 'random'];

/** @throws CoilyardError `invalid_argument` that names the key, what was expected and what came. */
export function runtimeConfig(options: RuntimeOptions): RuntimeConfig {
  refuseUnknown('options', options, known);
  checkOptionalPort('store', options.store, ['commit', 'resume', 'subscribe', 'close']);
  checkOptionalPort('logger', options.logger, ['info', 'warn']);
  checkOptionalPort('clock', options.clock, clockMethods);
  checkOptionalPort('random', options.random, randomMethods);
  if (options.telemetry !== undefined && typeof options.telemetry !== 'function')
    throw invalidArgument('telemetry', 'a function that is given the events', options.telemetry);
  return {
    gateway: options.gateway === false ? false : gatewayConfig(options.gateway),
    pools: poolsConfig(options.python),
    launcher: launcherConfig(options.python),
    carrier: carrierConfig(options.python),
    limits: limitsConfig(options.limits),
    types: typesConfig(options.types),
    audit: auditConfig(options.audit),
  };
}

function poolsConfig(options: RuntimeOptions['python']): RuntimeConfig['pools'] {
  if (options === false) return false;
  refuseUnknown('python', options ?? {}, ['pools', 'launcher', 'carrier']);
  const pools = options?.pools ?? { default: {} };
  if (!isPlainObject(pools) || Object.keys(pools).length === 0)
    throw invalidArgument('python.pools', 'options by pool name, at least one', pools);
  return pools;
}

function launcherConfig(options: RuntimeOptions['python']): LauncherFactory {
  const launcher = (options === false ? undefined : options?.launcher) ?? warmSpawn;
  if (typeof launcher !== 'function') throw invalidArgument('python.launcher', 'a function', launcher);
  return launcher;
}

function carrierConfig(options: RuntimeOptions['python']): CarrierChoice {
  if (options === false) return 'grpc';
  const { carrier, launcher } = options ?? {};
  if (carrier === undefined) return launcher === undefined ? 'auto' : 'grpc';
  if (carrier !== 'local' && carrier !== 'grpc') throw invalidArgument('python.carrier', '"local" or "grpc"', carrier);
  return carrier;
}

const limitNames = [
  'mailbox',
  'maxVariables',
  'maxBatch',
  'maxValueBytes',
  'maxNameLength',
  'maxMetadataKeys',
  'maxImportBytes',
  'ratePerSecond',
  'burst',
];

function limitsConfig(limits: LimitOptions = {}): SessionLimits {
  refuseUnknown('limits', limits, limitNames);
  const rate = rateConfig(limits);
  return {
    mailbox: count('limits.mailbox', limits.mailbox, defaultSessionLimits.mailbox),
    variables: {
      maxVariables: count('limits.maxVariables', limits.maxVariables, defaultVariableLimits.maxVariables),
      maxBatch: count('limits.maxBatch', limits.maxBatch, defaultVariableLimits.maxBatch),
      maxValueBytes: count('limits.maxValueBytes', limits.maxValueBytes, defaultVariableLimits.maxValueBytes),
      maxNameLength: count('limits.maxNameLength', limits.maxNameLength, defaultVariableLimits.maxNameLength),
      maxMetadataKeys: count('limits.maxMetadataKeys', limits.maxMetadataKeys, defaultVariableLimits.maxMetadataKeys),
    },
    maxImportBytes: count('limits.maxImportBytes', limits.maxImportBytes, MAX_DOCUMENT_BYTES),
    ...(rate === undefined ? {} : { rate }),
  };
}

function rateConfig({ ratePerSecond, burst }: LimitOptions): RateOptions | undefined {
  if (ratePerSecond === undefined) {
    if (burst !== undefined) throw invalidArgument('limits.burst', 'a ratePerSecond beside it', burst);
    return undefined;
  }
  if (typeof ratePerSecond !== 'number' || !Number.isFinite(ratePerSecond) || ratePerSecond <= 0)
    throw invalidArgument('limits.ratePerSecond', 'a number above 0', ratePerSecond);
  return burst === undefined ? { ratePerSecond } : { ratePerSecond, burst: count('limits.burst', burst, burst) };
}

function typesConfig(types: RuntimeOptions['types'] = []): TypeRegistry {
  if (!Array.isArray(types)) throw invalidArgument('types', 'a list of types made with defineType', types);
  for (const [index, type] of types.entries())
    if (!isUserType(type)) throw invalidArgument(`types[${index}]`, 'a type made with defineType', type);
  return new TypeRegistry(types);
}

function auditConfig(audit: AuditOptions = {}): AuditOptions {
  refuseUnknown('audit', audit, ['entries', 'redact']);
  const { entries = DEFAULT_AUDIT_ENTRIES, redact = [] } = audit;
  if (!Number.isSafeInteger(entries) || entries < 0)
    throw invalidArgument('audit.entries', 'a whole number, 0 or more', entries);
  if (!Array.isArray(redact) || !redact.every((glob) => typeof glob === 'string'))
    throw invalidArgument('audit.redact', 'a list of globs over names', redact);
  return { entries, redact };
}

function count(field: string, value: number | undefined, otherwise: number): number {
  if (value === undefined) return otherwise;
  if (!Number.isSafeInteger(value) || value < 1) throw invalidArgument(field, 'a whole number of at least 1', value);
  return value;
}
