/** What can be set for a runtime, its defaults, and the one place that checks it. */

import type { Clock, Random } from './kernel/clock.js';
import { invalidArgument } from './kernel/errors.js';
import { defaultSessionLimits, type SessionLimits } from './sessions/services.js';
import type { SessionStore } from './sessions/store.js';
import { isPlainObject } from './variables/plain-data.js';
import type { LauncherFactory } from './workers/launcher.js';
import { coldSpawn } from './workers/launchers/cold-spawn.js';
import type { PoolOptions } from './workers/pool-options.js';

export interface GatewayOptions {
  /** Default `127.0.0.1`. Any other than a loopback address needs a `token`. */
  readonly host?: string;
  /** Default 0: a free one. */
  readonly port?: number;
  /** What clients must show as `authorization: Bearer …`. Default: none is asked for. */
  readonly token?: string;
  /** The largest message either way. Default 16 MiB. */
  readonly maxMessageBytes?: number;
}

export interface PythonOptions {
  /** Pools by name. Default: `default` with two workers. */
  readonly pools?: Readonly<Record<string, PoolOptions>>;
  /** How workers are started. Default: cold, as child processes of their own. */
  readonly launcher?: LauncherFactory;
}

export interface LimitOptions {
  /** Commands that may wait in one session. Default 10,000. */
  readonly mailbox?: number;
  /** Variables in one session. Default 100,000. */
  readonly maxVariables?: number;
  /** Registrations or writes in one command. Default 10,000. */
  readonly maxBatch?: number;
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
  /** Default: silent. */
  readonly logger?: Logger;
  readonly clock?: Clock;
  readonly random?: Random;
}

export interface RuntimeConfig {
  readonly gateway: (Required<Omit<GatewayOptions, 'token'>> & Pick<GatewayOptions, 'token'>) | false;
  readonly pools: Readonly<Record<string, PoolOptions>> | false;
  readonly launcher: LauncherFactory;
  readonly limits: SessionLimits;
}

const defaults = Object.freeze({ host: '127.0.0.1', port: 0, maxMessageBytes: 16 * 1024 * 1024 });

const known = ['store', 'gateway', 'python', 'limits', 'logger', 'clock', 'random'];

/** @throws CoilyardError `invalid_argument` that names the key, what was expected and what came. */
export function runtimeConfig(options: RuntimeOptions): RuntimeConfig {
  refuseUnknown('options', options, known);
  return {
    gateway: gatewayConfig(options.gateway),
    pools: poolsConfig(options.python),
    launcher: launcherConfig(options.python),
    limits: limitsConfig(options.limits),
  };
}

function gatewayConfig(options: RuntimeOptions['gateway']): RuntimeConfig['gateway'] {
  if (options === false) return false;
  const gateway = options ?? {};
  refuseUnknown('gateway', gateway, ['host', 'port', 'token', 'maxMessageBytes']);
  const { host = defaults.host, port = defaults.port, maxMessageBytes = defaults.maxMessageBytes, token } = gateway;
  if (typeof host !== 'string' || host === '') throw invalidArgument('gateway.host', 'a host name or address', host);
  if (!Number.isInteger(port) || port < 0 || port > 65_535)
    throw invalidArgument('gateway.port', 'a port from 0 to 65535', port);
  if (!Number.isInteger(maxMessageBytes) || maxMessageBytes < 1024)
    throw invalidArgument('gateway.maxMessageBytes', 'a whole number of at least 1024', maxMessageBytes);
  if (token !== undefined && (typeof token !== 'string' || token === ''))
    throw invalidArgument('gateway.token', 'a text that is not empty', typeof token);
  return { host, port, maxMessageBytes, ...(token === undefined ? {} : { token }) };
}

function poolsConfig(options: RuntimeOptions['python']): RuntimeConfig['pools'] {
  if (options === false) return false;
  refuseUnknown('python', options ?? {}, ['pools', 'launcher']);
  const pools = options?.pools ?? { default: {} };
  if (!isPlainObject(pools) || Object.keys(pools).length === 0)
    throw invalidArgument('python.pools', 'options by pool name, at least one', pools);
  return pools;
}

function launcherConfig(options: RuntimeOptions['python']): LauncherFactory {
  const launcher = (options === false ? undefined : options?.launcher) ?? coldSpawn;
  if (typeof launcher !== 'function') throw invalidArgument('python.launcher', 'a function', launcher);
  return launcher;
}

function limitsConfig(limits: LimitOptions = {}): SessionLimits {
  refuseUnknown('limits', limits, ['mailbox', 'maxVariables', 'maxBatch']);
  const { variables } = defaultSessionLimits;
  return {
    mailbox: count('limits.mailbox', limits.mailbox, defaultSessionLimits.mailbox),
    variables: {
      maxVariables: count('limits.maxVariables', limits.maxVariables, variables.maxVariables),
      maxBatch: count('limits.maxBatch', limits.maxBatch, variables.maxBatch),
    },
  };
}

function count(field: string, value: number | undefined, otherwise: number): number {
  if (value === undefined) return otherwise;
  if (!Number.isSafeInteger(value) || value < 1) throw invalidArgument(field, 'a whole number of at least 1', value);
  return value;
}

function refuseUnknown(where: string, options: object, names: readonly string[]): void {
  if (!isPlainObject(options)) throw invalidArgument(where, 'options by name', options);
  for (const key of Object.keys(options))
    if (!names.includes(key)) throw invalidArgument(`${where}.${key}`, `one of ${names.join(', ')}`, key);
}
