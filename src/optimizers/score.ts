/** What an objective gives becomes a score and metrics; whatever does not is why its trial has failed. */

import { describeValue } from '../kernel/errors.js';
import { err, ok, type Result } from '../kernel/result.js';
import { MAX_METRICS } from '../variables/optimization-limits.js';
import { isPlainObject } from '../variables/plain-data.js';
import type { Measured } from './handle.js';

export interface Scored {
  readonly metrics: Readonly<Record<string, number>>;
  readonly score: number;
}

const SCORE = 'score';

/** A number is the score, an object or a `Map` holds metrics; `true` and `false` are 1 and 0. */
export function measuredOf(result: unknown): Result<Measured, string> {
  const score = numberOf(result);
  if (score !== undefined) return ok({ metrics: { [SCORE]: score }, score });
  const entries = result instanceof Map ? [...result] : isPlainObject(result) ? Object.entries(result) : undefined;
  if (entries === undefined) return err(`the objective returned ${describeValue(result)}, not a number or metrics`);
  const metrics = new Map<string, number>();
  for (const [name, given] of entries) {
    const metric = numberOf(given);
    if (metric === undefined) return err(`the metric ${describeValue(name)} is ${describeValue(given)}, not a number`);
    metrics.set(String(name), metric);
  }
  return ok({ metrics: Object.fromEntries(metrics) });
}

/** The score is what was said to be it, else the metric that was asked for, else `score`, else the only one. */
export function scored({ metrics, score }: Measured, metric: string | undefined): Result<Scored, string> {
  const entries = Object.entries(metrics);
  if (entries.length > MAX_METRICS) return err(`there are ${entries.length} metrics, at most ${MAX_METRICS} are kept`);
  for (const [name, value] of entries) if (!Number.isFinite(value)) return err(`the metric ${name} is ${value}`);
  const chosen = score ?? metricOf(metrics, metric);
  if (chosen === undefined) return err(missing(metrics, metric));
  if (!Number.isFinite(chosen)) return err(`the score is ${chosen}`);
  return ok({ metrics: Object.keys(metrics).length === 0 ? { [SCORE]: chosen } : metrics, score: chosen });
}

function metricOf(metrics: Readonly<Record<string, number>>, metric: string | undefined): number | undefined {
  const own = (name: string): number | undefined => (Object.hasOwn(metrics, name) ? metrics[name] : undefined);
  if (metric !== undefined) return own(metric);
  const values = Object.values(metrics);
  return own(SCORE) ?? (values.length === 1 ? values[0] : undefined);
}

function missing(metrics: Readonly<Record<string, number>>, metric: string | undefined): string {
  const names = Object.keys(metrics).join(', ') || 'none';
  return metric === undefined
    ? `there is no metric called ${SCORE}, and not exactly one (metrics: ${names}): say which one is optimized`
    : `there is no metric ${metric} (metrics: ${names})`;
}

function numberOf(given: unknown): number | undefined {
  if (typeof given === 'number') return given;
  if (typeof given === 'boolean' || typeof given === 'bigint') return Number(given);
  return undefined;
}
