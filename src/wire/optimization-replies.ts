/** Runs of optimizers and their trials to the wire contract. Values travel as those of their variables do. */

import type * as wire from '../gen/coilyard/v1/optimizations.js';
import type { Value } from '../gen/coilyard/v1/value.js';
import { wholeMs } from './fields.js';
import { encodeValueOf } from './variables.js';

type Metrics = Readonly<Record<string, unknown>>;

/** A value of a variable, with the type that says how it travels. */
interface NamedValue {
  readonly name: string;
  readonly type: string;
  readonly value: unknown;
}

export interface RunStatus {
  readonly isOptimizing: boolean;
  readonly optimizationId: string;
  readonly optimizer: string;
  readonly variables: readonly { readonly name: string; readonly type: string }[];
  readonly iteration: number;
  readonly maxIterations: number;
  readonly direction: string;
  readonly leaseMs: number;
  readonly bestValues: ReadonlyMap<string, unknown>;
  readonly bestMetrics: Metrics;
  readonly bestScore: number | null;
  readonly startedAtMs: number;
  readonly lastUpdateAtMs: number;
  readonly reason: string | null;
  readonly error: string;
  readonly committed: ReadonlyMap<string, number>;
  readonly conflicts: readonly string[];
}

/** @param status `undefined`: no run has ever held the variable. */
export function encodeRunStatus(status: RunStatus | undefined): wire.OptimizationStatus {
  if (status === undefined) return idle();
  const types = new Map(status.variables.map(({ name, type }) => [name, type]));
  return {
    isOptimizing: status.isOptimizing,
    optimizationId: status.optimizationId,
    optimizer: status.optimizer,
    variables: [...types.keys()],
    iteration: BigInt(status.iteration),
    maxIterations: BigInt(status.maxIterations),
    direction: status.direction,
    bestValues: encodeNamed(
      Array.from(status.bestValues, ([name, value]) => ({ name, type: types.get(name) ?? '', value })),
    ),
    bestMetrics: encodeMetrics(status.bestMetrics),
    bestScore: status.bestScore ?? undefined,
    startedAtMs: wholeMs(status.startedAtMs),
    lastUpdateMs: wholeMs(status.lastUpdateAtMs),
    reason: status.reason ?? '',
    error: status.error.toWellFormed(),
    committed: new Map(Array.from(status.committed, ([name, version]) => [name, BigInt(version)])),
    conflicts: [...status.conflicts],
    leaseMs: wholeMs(status.leaseMs),
  };
}

const idle = (): wire.OptimizationStatus => ({
  isOptimizing: false,
  optimizationId: '',
  optimizer: '',
  variables: [],
  iteration: 0n,
  maxIterations: 0n,
  direction: '',
  bestValues: new Map(),
  bestMetrics: new Map(),
  bestScore: undefined,
  startedAtMs: 0n,
  lastUpdateMs: 0n,
  reason: '',
  error: '',
  committed: new Map(),
  conflicts: [],
  leaseMs: 0n,
});

/** Values to try. */
export const encodeTrial = (trial: {
  readonly number: number;
  readonly values: readonly NamedValue[];
}): wire.Trial => ({ number: BigInt(trial.number), values: encodeNamed(trial.values) });

export interface TrialRecord {
  readonly optimizationId: string;
  readonly iteration: number;
  readonly values: readonly NamedValue[];
  readonly metrics: Metrics;
  readonly score: number | null;
  readonly error: string;
  readonly startedAtMs: number;
  readonly endedAtMs: number;
}

/** A trial of a run, which has ended. */
export const encodeEndedTrial = (trial: TrialRecord): wire.OptimizationTrial => ({
  optimizationId: trial.optimizationId,
  iteration: BigInt(trial.iteration),
  values: encodeNamed(trial.values),
  metrics: encodeMetrics(trial.metrics),
  score: trial.score ?? undefined,
  state: trial.score === null ? 'failed' : 'complete',
  error: trial.error.toWellFormed(),
  startedAtMs: wholeMs(trial.startedAtMs),
  endedAtMs: wholeMs(trial.endedAtMs),
  version: undefined,
});

/** What was tried for one variable, by a run or by an optimizer elsewhere. */
export interface HistoryRecord {
  readonly optimizerId: string;
  readonly iteration: number | null;
  readonly value: unknown;
  readonly variableType: string;
  readonly metrics: Metrics;
  readonly score: number | null;
  readonly state: 'complete' | 'failed';
  readonly error: string;
  readonly startedAtMs: number;
  readonly atMs: number;
  readonly version: number | null;
}

/** @param name the variable's. */
export const encodeHistoryRecord = (entry: HistoryRecord, name: string): wire.OptimizationTrial => ({
  optimizationId: entry.optimizerId,
  iteration: isCount(entry.iteration) ? BigInt(entry.iteration) : undefined,
  values: encodeNamed([{ name, type: entry.variableType, value: entry.value }]),
  metrics: encodeMetrics(entry.metrics),
  score: entry.score ?? undefined,
  state: entry.state,
  error: entry.error.toWellFormed(),
  startedAtMs: wholeMs(entry.startedAtMs),
  endedAtMs: wholeMs(entry.atMs),
  version: entry.version === null ? undefined : BigInt(entry.version),
});

/** What an optimizer elsewhere has written may be any number, and any data for a metric. */
const isCount = (iteration: number | null): iteration is number =>
  Number.isSafeInteger(iteration) && iteration !== null && iteration >= 0;

const encodeNamed = (values: readonly NamedValue[]): Map<string, Value> =>
  new Map(values.map(({ name, type, value }) => [name, encodeValueOf(type, value)]));

function encodeMetrics(metrics: Metrics): Map<string, number> {
  const encoded = new Map<string, number>();
  for (const [name, metric] of Object.entries(metrics)) if (typeof metric === 'number') encoded.set(name, metric);
  return encoded;
}
