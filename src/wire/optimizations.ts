/** Requests about optimizations from the wire contract: what is missing, out of range or contradictory is named. */

import type * as wire from '../gen/coilyard/v1/optimizations.js';
import type { Value } from '../gen/coilyard/v1/value.js';
import { describeValue, invalidArgument } from '../kernel/errors.js';
import { type Direction, directions } from '../variables/optimization.js';
import {
  DEFAULT_ITERATIONS,
  LEASE_MS,
  MAX_ERROR_LENGTH,
  MAX_ITERATIONS,
  MAX_PARALLEL,
} from '../variables/optimization-limits.js';
import { boundedList, filledText, optionalText, safeCount } from './fields.js';
import { type DecodedValue, decodeRecord, decodeValue } from './value.js';
import { writer } from './writer.js';

const DEFAULT_HISTORY = 100;
/** Variables of one run, settings of one optimizer, metrics of one trial. */
const MOST_ENTRIES = 100;

const stopReasons = ['stopped', 'exhausted', 'converged', 'failed'] as const;

export interface StudyStart {
  readonly variables: readonly string[];
  readonly options: {
    readonly optimizer: string;
    readonly config: Readonly<Record<string, unknown>>;
    readonly maxIterations: number;
    readonly convergenceThreshold: number | undefined;
    readonly patience: number | undefined;
    readonly direction: Direction;
    readonly metric: string | undefined;
    readonly tool: string | undefined;
    readonly external: boolean;
    readonly applyTrials: boolean;
    readonly parallel: number;
    readonly timeoutMs: number | undefined;
    readonly leaseMs: number;
    readonly source: string;
    readonly requestId?: string;
  };
}

export function decodeStart(request: wire.StartOptimizationRequest): StudyStart {
  const { external, applyTrials, convergenceThreshold } = request;
  const tool = optionalText(request.objective, 'objective');
  if (external && tool !== undefined)
    throw invalidArgument('objective', 'none with external, where the client tries the values', tool);
  const parallel = countWithin(request.parallel === 0 ? 1 : request.parallel, 'parallel', 1, MAX_PARALLEL);
  if (applyTrials && parallel > 1) throw invalidArgument('parallel', '1 with apply_trials', parallel);
  if (convergenceThreshold !== undefined && !(convergenceThreshold >= 0 && convergenceThreshold < Infinity))
    throw invalidArgument('convergence_threshold', 'a finite number, 0 or more', convergenceThreshold);
  if (request.variables.length === 0) throw invalidArgument('variables', 'one entry at least', request.variables);
  const maxIterations = request.maxIterations === 0 ? DEFAULT_ITERATIONS : request.maxIterations;
  const leaseMs = request.leaseMs === 0n ? LEASE_MS.default : safeCount(request.leaseMs, 'lease_ms');
  return {
    variables: boundedList(request.variables, 'variables', MOST_ENTRIES).map((variable, index) =>
      filledText(variable, `variables[${index}]`),
    ),
    options: {
      ...writer(request),
      optimizer: identifier(request.optimizer, 'optimizer'),
      config: decodeConfig(request.config),
      maxIterations: countWithin(maxIterations, 'max_iterations', 1, MAX_ITERATIONS),
      convergenceThreshold,
      patience: request.patience === 0 ? undefined : countWithin(request.patience, 'patience', 1, MAX_ITERATIONS),
      direction: decodeDirection(request.direction),
      metric: optionalText(request.metric, 'metric'),
      tool,
      external,
      applyTrials,
      parallel,
      timeoutMs: request.timeoutMs === 0n ? undefined : safeCount(request.timeoutMs, 'timeout_ms'),
      leaseMs: countWithin(leaseMs, 'lease_ms', LEASE_MS.least, LEASE_MS.most),
    },
  };
}

/** Which run, and who speaks of it. */
export interface RunClient {
  readonly optimizationId: string;
  readonly clientId: string;
}

export const decodeRunClient = (request: RunClient): RunClient => ({
  optimizationId: decodeRunId(request.optimizationId),
  clientId: identifier(request.clientId, 'client_id'),
});

export const decodeRunId = (id: string): string => identifier(id, 'optimization_id');

/** The values that the client of an external run wants to try. */
export function decodeTried(values: ReadonlyMap<string, Value>): ReadonlyMap<string, DecodedValue> | undefined {
  if (values.size === 0) return undefined;
  boundedMap(values, 'values');
  return new Map(Array.from(values, ([name, value]) => [name, decodeValue(value, `values.${name}`)]));
}

type Outcome =
  | { readonly metrics: Readonly<Record<string, number>>; readonly score?: number | undefined }
  | { readonly error: string };

export interface ToldTrial {
  readonly number: number;
  readonly outcome: Outcome;
}

export function decodeTold(request: wire.TellTrialRequest): ToldTrial {
  const number = safeCount(request.number, 'number');
  if (number === 0) throw invalidArgument('number', 'that of a trial, from 1 on', number);
  for (const name of boundedMap(request.metrics, 'metrics').keys()) identifier(name, `metrics.${name}`);
  return { number, outcome: decodeOutcome(request) };
}

/** What cannot be compared is no result: a trial whose score or one of whose metrics is no finite number has failed. */
function decodeOutcome({ metrics, score, error }: wire.TellTrialRequest): Outcome {
  if (error !== '') return { error: shortened(error) };
  for (const [name, metric] of metrics)
    if (!Number.isFinite(metric)) return { error: `the metric ${describeValue(name)} is ${metric}` };
  if (score !== undefined && !Number.isFinite(score)) return { error: `the score is ${score}` };
  return { metrics: Object.freeze(Object.fromEntries(metrics)), ...(score === undefined ? {} : { score }) };
}

export interface StudyStop {
  readonly variable: string;
  readonly options: {
    readonly optimizationId: string | undefined;
    readonly reason: (typeof stopReasons)[number];
    readonly error: string | undefined;
  };
}

export function decodeStop(request: wire.StopOptimizationRequest): StudyStop {
  const { error } = request;
  const reason = request.reason === '' ? 'stopped' : stopReasons.find((known) => known === request.reason);
  if (reason === undefined) throw invalidArgument('reason', `one of ${stopReasons.join(', ')}`, request.reason);
  if (error !== '' && reason !== 'failed') throw invalidArgument('error', 'none unless the reason is failed', error);
  return {
    variable: filledText(request.variable, 'variable'),
    options: {
      optimizationId: optionalText(request.optimizationId, 'optimization_id'),
      reason,
      error: error === '' ? undefined : shortened(error),
    },
  };
}

export interface HistoryQuery {
  readonly variable: string;
  readonly options: {
    readonly limit: number;
    readonly sinceMs: number;
    readonly optimizerId: string | undefined;
  };
}

export function decodeHistory(request: wire.GetOptimizationHistoryRequest): HistoryQuery {
  return {
    variable: filledText(request.variable, 'variable'),
    options: {
      limit: request.limit === 0 ? DEFAULT_HISTORY : request.limit,
      sinceMs: safeCount(request.sinceMs, 'since_ms'),
      optimizerId: optionalText(request.optimizationId, 'optimization_id'),
    },
  };
}

/** Plain data by name: what an optimizer is told has no arrays of numbers in a form of their own. */
function decodeConfig(config: ReadonlyMap<string, Value>): Readonly<Record<string, unknown>> {
  for (const [name, { kind }] of boundedMap(config, 'config'))
    if (kind?.$case === 'tensor' || kind?.$case === 'embedding')
      throw invalidArgument(`config.${name}`, 'a number, a text, a boolean or JSON', `a value of kind ${kind.$case}`);
  return decodeRecord(config, 'config');
}

function decodeDirection(word: string): Direction {
  const direction = directions.find((known) => known === (word === '' ? 'maximize' : word));
  if (direction === undefined) throw invalidArgument('direction', `one of ${directions.join(', ')}`, word);
  return direction;
}

function identifier(text: string, field: string): string {
  optionalText(text, field);
  return filledText(text, field);
}

function countWithin(count: number, field: string, least: number, most: number): number {
  if (count < least || count > most) throw invalidArgument(field, `a whole number from ${least} to ${most}`, count);
  return count;
}

function boundedMap<Item>(map: ReadonlyMap<string, Item>, field: string): ReadonlyMap<string, Item> {
  if (map.size > MOST_ENTRIES) throw invalidArgument(field, `at most ${MOST_ENTRIES} entries`, map);
  return map;
}

const shortened = (error: string): string => error.slice(0, MAX_ERROR_LENGTH).toWellFormed();
