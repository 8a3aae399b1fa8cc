/** What can be set for a pool, its defaults, and the one place that checks it. */

import { invalidArgument } from '../kernel/errors.js';
import type { StartMode } from './launcher.js';
import {
  checkStaff,
  type StaffOptional,
  type StaffOptions,
  staffDefaults,
  staffLeast,
  staffOptionalKeys,
} from './staff-options.js';

export interface PoolOptions extends StaffOptions {
  /** Workers. Default 2; `min` and `max` make it grow and shrink. */
  readonly size?: number;
  /** An interpreter or the directory of a virtual environment. Default: found as `interpreter.ts` says. */
  readonly python?: string;
  /**
   * `zygote`: workers are forked from an interpreter that has done the imports; `spawn`: each does its own; `auto`: forked
   * where that is possible and safe, and a warning where it is not. Default `auto`.
   */
  readonly start?: StartMode;
  /** Python modules that each worker imports before it is ready. */
  readonly imports?: readonly string[];
  /**
   * Python modules that a worker imports when it is idle for the first time, so that its start does not wait for them and
   * neither does a call. Workers that are forked have them from the start.
   */
  readonly preload?: readonly string[];
  /** Directories from which `imports` may come. */
  readonly paths?: readonly string[];
  /** Added to the environment of each worker. */
  readonly env?: Readonly<Record<string, string>>;
  /** Calls that one worker runs at the same time. Default 1. */
  readonly concurrency?: number;
  /** Calls that may wait for a worker; one more is refused with `pool_saturated`. Default 1,000. */
  readonly maxQueue?: number;
  /** For calls that name no time-out of their own. Default: none. */
  readonly timeoutMs?: number;
  /** From the start of a worker's process until its hello. Default 60,000. */
  readonly startTimeoutMs?: number;
  /** How often a worker gives a sign of life, and the runtime to a worker that was invited. Default 2,000. */
  readonly heartbeatIntervalMs?: number;
  /**
   * Signs of life in a row that may be missing before the worker counts as hung and is killed, and before a worker that was
   * invited counts the runtime as gone and ends. Default 5.
   */
  readonly allowedMisses?: number;
  /** How long a worker that is asked to stop may take to finish the calls in hand. Default 5,000. */
  readonly drainTimeoutMs?: number;
  /** From SIGTERM to SIGKILL. Default 2,000. */
  readonly killGraceMs?: number;
  /**
   * How long a call that was cancelled may go on keeping its worker before the worker is killed for it. Default: for
   * ever, because Python cannot interrupt a synchronous function and the worker's other calls would be lost with it.
   */
  readonly cancelGraceMs?: number;
  /** How often an idempotent call is tried when its workers die. Default 3. */
  readonly maxAttempts?: number;
  /** Chunks of one stream that may be on their way or unread. Default 16. */
  readonly streamWindow?: number;
  /** The largest arguments, result or chunk of a call, in bytes. Default 256 MiB. */
  readonly maxPayloadBytes?: number;
}

type Optional = 'python' | 'timeoutMs' | 'cancelGraceMs' | StaffOptional;

/** The options with every default filled in. */
export type PoolSettings = Required<Omit<PoolOptions, Optional>> & Pick<PoolOptions, Optional>;

const defaults = Object.freeze({
  ...staffDefaults,
  size: 2,
  start: 'auto',
  imports: Object.freeze([]),
  preload: Object.freeze([]),
  paths: Object.freeze([]),
  env: Object.freeze({}),
  concurrency: 1,
  maxQueue: 1_000,
  startTimeoutMs: 60_000,
  heartbeatIntervalMs: 2_000,
  allowedMisses: 5,
  drainTimeoutMs: 5_000,
  killGraceMs: 2_000,
  maxAttempts: 3,
  streamWindow: 16,
  maxPayloadBytes: 256 * 1024 * 1024,
}) satisfies Required<Omit<PoolOptions, Optional>>;

/** How long a worker that was invited goes on without hearing of the runtime: as long as the runtime does without it. */
export const leaseMsOf = ({ heartbeatIntervalMs, allowedMisses }: PoolSettings): number =>
  heartbeatIntervalMs * allowedMisses;

/** The least that each number may be. Counts are whole. */
const least = {
  ...staffLeast,
  size: 1,
  concurrency: 1,
  maxQueue: 0,
  timeoutMs: 1,
  startTimeoutMs: 1,
  heartbeatIntervalMs: 1,
  allowedMisses: 1,
  drainTimeoutMs: 0,
  killGraceMs: 0,
  cancelGraceMs: 0,
  maxAttempts: 1,
  streamWindow: 1,
  maxPayloadBytes: 1_024,
} as const satisfies Partial<Record<keyof PoolOptions, number>>;

/** @throws CoilyardError `invalid_argument` that names the key, what was expected and what came. */
export function poolSettings(pool: string, options: PoolOptions): PoolSettings {
  const known = new Set<string>([
    ...Object.keys(defaults),
    'python',
    'timeoutMs',
    'cancelGraceMs',
    ...staffOptionalKeys,
  ]);
  for (const key of Object.keys(options)) {
    if (!known.has(key)) throw invalidArgument(`pools.${pool}.${key}`, `one of ${[...known].join(', ')}`, key);
  }
  const given = Object.fromEntries(Object.entries(options).filter(([, value]) => value !== undefined));
  const settings: PoolSettings = { ...defaults, ...given };
  for (const [key, minimum] of Object.entries(least)) {
    const value: unknown = Reflect.get(settings, key);
    if (value === undefined) continue;
    if (!Number.isSafeInteger(value) || Number(value) < minimum)
      throw invalidArgument(`pools.${pool}.${key}`, `a whole number of at least ${minimum}`, value);
  }
  for (const key of ['imports', 'preload', 'paths'] as const) {
    const value: unknown = settings[key];
    if (!Array.isArray(value) || !value.every((entry) => typeof entry === 'string'))
      throw invalidArgument(`pools.${pool}.${key}`, 'a list of texts', value);
  }
  const { start }: { start: unknown } = settings;
  if (start !== 'auto' && start !== 'zygote' && start !== 'spawn')
    throw invalidArgument(`pools.${pool}.start`, "'auto', 'zygote' or 'spawn'", start);
  if (settings.python !== undefined && typeof settings.python !== 'string')
    throw invalidArgument(`pools.${pool}.python`, 'a text', settings.python);
  const env: unknown = settings.env;
  if (typeof env !== 'object' || env === null || !Object.values(env).every((entry) => typeof entry === 'string'))
    throw invalidArgument(`pools.${pool}.env`, 'texts by name', env);
  checkStaff(pool, settings);
  return settings;
}
