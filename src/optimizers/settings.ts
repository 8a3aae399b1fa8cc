/** What a run is told to be, checked and with its defaults. */

import { checkObject, checkOptionalFlag } from '../kernel/arguments.js';
import { invalidArgument } from '../kernel/errors.js';
import { asGiven } from '../variables/as-given.js';
import { type Direction, directions } from '../variables/optimization.js';
import { DEFAULT_ITERATIONS, LEASE_MS, MAX_ITERATIONS, MAX_PARALLEL } from '../variables/optimization-limits.js';
import type { StartStudyOptions } from './handle.js';

export interface StudySettings {
  readonly optimizer: string;
  readonly config: Readonly<Record<string, unknown>>;
  readonly maxIterations: number;
  readonly convergenceThreshold: number;
  readonly patience: number | undefined;
  readonly direction: Direction;
  readonly metric: string | undefined;
  readonly external: boolean;
  readonly applyTrials: boolean;
  readonly parallel: number;
  readonly timeoutMs: number | undefined;
  readonly leaseMs: number;
  readonly source: string;
  readonly requestId: string | undefined;
}

const DEFAULT_THRESHOLD = 0.001;

/** Throws `invalid_argument` that names the field. */
export function studySettings(options: StartStudyOptions): StudySettings {
  checkObject('options', options);
  const { optimizer, config, metric, external, applyTrials, timeoutMs, source = 'typescript', requestId } = options;
  if (typeof optimizer !== 'string' || optimizer === '')
    throw invalidArgument('optimizer', 'the name of an optimizer', optimizer);
  if (config !== undefined) checkObject('config', config);
  if (metric !== undefined && (typeof metric !== 'string' || metric === ''))
    throw invalidArgument('metric', 'the name of a metric', metric);
  checkOptionalFlag('external', external);
  checkOptionalFlag('applyTrials', applyTrials);
  if (timeoutMs !== undefined && !(typeof timeoutMs === 'number' && timeoutMs > 0))
    throw invalidArgument('timeoutMs', 'a number of milliseconds, more than 0', timeoutMs);
  const parallel = whole('parallel', options.parallel, 1, MAX_PARALLEL) ?? 1;
  if (applyTrials === true && parallel > 1)
    throw invalidArgument('parallel', '1, because every trial sets the variables', parallel);
  return {
    optimizer,
    config: asGiven(config ?? {}),
    maxIterations: whole('maxIterations', options.maxIterations, 1, MAX_ITERATIONS) ?? DEFAULT_ITERATIONS,
    convergenceThreshold: threshold(options.convergenceThreshold),
    patience: whole('patience', options.patience, 1, MAX_ITERATIONS),
    direction: direction(options.direction),
    metric,
    external: external === true,
    applyTrials: applyTrials === true,
    parallel,
    timeoutMs,
    leaseMs: whole('leaseMs', options.leaseMs, LEASE_MS.least, LEASE_MS.most) ?? LEASE_MS.default,
    source,
    requestId,
  };
}

function whole(field: string, count: unknown, least: number, most: number): number | undefined {
  if (count === undefined) return undefined;
  if (typeof count === 'number' && Number.isSafeInteger(count) && count >= least && count <= most) return count;
  throw invalidArgument(field, `a whole number, ${least} to ${most}`, count);
}

function threshold(given: unknown): number {
  if (given === undefined) return DEFAULT_THRESHOLD;
  if (typeof given === 'number' && given >= 0 && Number.isFinite(given)) return given;
  throw invalidArgument('convergenceThreshold', 'a number, 0 or more', given);
}

function direction(given: unknown): Direction {
  const known = directions.find((word) => word === (given ?? 'maximize'));
  if (known === undefined) throw invalidArgument('direction', `one of ${directions.join(', ')}`, given);
  return known;
}
