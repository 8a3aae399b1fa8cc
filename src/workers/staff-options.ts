/** The options of a pool that say how many workers there are, when one is replaced, and what each may use. */

import { invalidArgument } from '../kernel/errors.js';
import { type Affinity, affinities, isAffinity } from './affinity.js';

/** Names of limits as Python's `resource` module has them, without `RLIMIT_`, in small letters. */
const resourceNames = ['as', 'core', 'cpu', 'data', 'fsize', 'nofile', 'nproc', 'stack'] as const;

export type ResourceName = (typeof resourceNames)[number];

export interface StaffOptions {
  /** The fewest workers. Default: `size`. */
  readonly min?: number;
  /** The most workers. Default: `size`, or `min` where that is more. */
  readonly max?: number;
  /** One more worker is started while calls have waited for so long. Default 200. */
  readonly scaleUpAfterMs?: number;
  /** A worker beyond `min` that was idle for so long is ended. Default 60,000. */
  readonly scaleDownAfterMs?: number;
  /** Workers that may be starting at the same time. Default 8. */
  readonly maxStarting?: number;
  /** A worker is replaced after so many calls. Default: never. */
  readonly maxCalls?: number;
  /** A worker is replaced when it is so old. Default: never. */
  readonly maxAgeMs?: number;
  /** A worker is replaced when it and what it started hold so much memory. Default: never. */
  readonly maxResidentBytes?: number;
  /** The share by which `maxCalls` and `maxAgeMs` differ from worker to worker, 0 to 1. Default 0.1. */
  readonly recycleJitter?: number;
  /** Whether a session's calls stay with one worker, unless a call says otherwise. Default `hint`. */
  readonly affinity?: Affinity;
  /** A call that was alone in the hands of so many workers that died is not tried again. Default 2. */
  readonly poisonAfter?: number;
  /** Threads of BLAS and OpenMP in each worker. Default 1, so that workers do not fight for the cores. */
  readonly blasThreads?: number;
  /** Added to the niceness of each worker, 0 to 19. Default 0. */
  readonly nice?: number;
  /** Limits of the system for each worker, in its own units: bytes, seconds, counts. Default: `{ core: 0 }`. */
  readonly rlimits?: Readonly<Partial<Record<ResourceName, number>>>;
}

export type StaffOptional = 'min' | 'max' | 'maxCalls' | 'maxAgeMs' | 'maxResidentBytes';

export const staffDefaults = Object.freeze({
  scaleUpAfterMs: 200,
  scaleDownAfterMs: 60_000,
  maxStarting: 8,
  recycleJitter: 0.1,
  affinity: 'hint',
  poisonAfter: 2,
  blasThreads: 1,
  nice: 0,
  rlimits: Object.freeze({ core: 0 }),
}) satisfies Required<Omit<StaffOptions, StaffOptional>>;

export const staffOptionalKeys = ['min', 'max', 'maxCalls', 'maxAgeMs', 'maxResidentBytes'] as const;

/** The least that each number may be. Counts are whole. */
export const staffLeast = {
  min: 1,
  max: 1,
  scaleUpAfterMs: 1,
  scaleDownAfterMs: 1,
  maxStarting: 1,
  maxCalls: 1,
  maxAgeMs: 1,
  maxResidentBytes: 1,
  poisonAfter: 1,
  blasThreads: 1,
  nice: 0,
} as const satisfies Partial<Record<keyof StaffOptions, number>>;

/** @throws CoilyardError `invalid_argument` for what a least number cannot say. */
export function checkStaff(
  pool: string,
  settings: Required<Omit<StaffOptions, StaffOptional>> & Pick<StaffOptions, StaffOptional> & { readonly size: number },
): void {
  const { affinity, recycleJitter, nice, rlimits } = settings;
  const { min, max } = headcount(settings);
  if (max < min) throw invalidArgument(`pools.${pool}.max`, `at least ${min}`, max);
  if (!isAffinity(affinity)) throw invalidArgument(`pools.${pool}.affinity`, affinities.join(', '), affinity);
  if (typeof recycleJitter !== 'number' || !(recycleJitter >= 0 && recycleJitter <= 1))
    throw invalidArgument(`pools.${pool}.recycleJitter`, 'a number from 0 to 1', recycleJitter);
  if (nice > 19) throw invalidArgument(`pools.${pool}.nice`, 'at most 19', nice);
  const given: unknown = rlimits;
  if (typeof given !== 'object' || given === null)
    throw invalidArgument(`pools.${pool}.rlimits`, 'limits by name', given);
  const names: readonly string[] = resourceNames;
  for (const [name, value] of Object.entries(given)) {
    if (!names.includes(name)) throw invalidArgument(`pools.${pool}.rlimits.${name}`, names.join(', '), name);
    if (!Number.isSafeInteger(value) || Number(value) < 0)
      throw invalidArgument(`pools.${pool}.rlimits.${name}`, 'a whole number of at least 0', value);
  }
}

/** How many workers there may be. */
export function headcount({ size, min, max }: { readonly size: number } & Pick<StaffOptions, 'min' | 'max'>): {
  readonly min: number;
  readonly max: number;
} {
  const fewest = min ?? Math.min(size, max ?? size);
  return { min: fewest, max: max ?? Math.max(size, fewest) };
}
