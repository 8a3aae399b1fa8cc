/** Refuses commands about optimizations that no typed caller could have made. */

import { type CoilyardError, invalidArgument } from '../kernel/errors.js';
import { isLabel, LABEL } from './label.js';
import { directions, endReasons } from './optimization.js';
import type { Leaving, OptimizationCommand } from './optimization-commands.js';
import { MAX_ERROR_LENGTH, MAX_ITERATIONS, MAX_METRICS } from './optimization-limits.js';
import { isPlainObject } from './plain-data.js';

/** No id of a run is one of a variable. */
const ID_PREFIX = 'opt_';

const leavings: readonly Leaving[] = Object.freeze(['best', 'before', 'as_is']);

export function malformedOptimization(command: OptimizationCommand): CoilyardError | undefined {
  const { optimizationId } = command;
  if (!isLabel(optimizationId) || !optimizationId.startsWith(ID_PREFIX))
    return invalidArgument('optimizationId', `${LABEL}, ${ID_PREFIX} first`, optimizationId);
  switch (command.type) {
    case 'optimization.start':
      return (
        malformedReferences(command.variables) ??
        (isLabel(command.optimizer) ? undefined : invalidArgument('optimizer', LABEL, command.optimizer)) ??
        oneOf('direction', directions, command.direction) ??
        (isCount(command.maxIterations, 1, MAX_ITERATIONS)
          ? undefined
          : invalidArgument('maxIterations', `a whole number, 1 to ${MAX_ITERATIONS}`, command.maxIterations)) ??
        (isCount(command.leaseMs, 0, Number.MAX_SAFE_INTEGER)
          ? undefined
          : invalidArgument('leaseMs', 'a whole number of milliseconds, 0 or more', command.leaseMs))
      );
    case 'optimization.apply':
      return malformedValues(command.values);
    case 'optimization.record':
      return (
        malformedValues(command.values) ??
        malformedMetrics(command.metrics) ??
        (command.score === null || Number.isFinite(command.score)
          ? undefined
          : invalidArgument('score', 'a finite number, or null', command.score)) ??
        malformedError(command.error) ??
        (isCount(command.startedAtMs, 0, Number.MAX_SAFE_INTEGER)
          ? undefined
          : invalidArgument('startedAtMs', 'epoch milliseconds', command.startedAtMs))
      );
    case 'optimization.end':
      return (
        oneOf('reason', endReasons, command.reason) ??
        oneOf('leaving', leavings, command.leaving) ??
        malformedError(command.error)
      );
  }
}

function malformedReferences(variables: unknown): CoilyardError | undefined {
  const isList = Array.isArray(variables) && variables.length > 0;
  if (isList && variables.every((reference) => typeof reference === 'string')) return undefined;
  return invalidArgument('variables', 'names or ids of variables, at least one', variables);
}

const malformedValues = (values: unknown): CoilyardError | undefined =>
  Array.isArray(values) ? undefined : invalidArgument('values', 'a list', values);

function malformedMetrics(metrics: unknown): CoilyardError | undefined {
  const expected = `at most ${MAX_METRICS} finite numbers by name`;
  if (!isPlainObject(metrics)) return invalidArgument('metrics', expected, metrics);
  const numbers = Object.values(metrics);
  const isSound = numbers.length <= MAX_METRICS && numbers.every(Number.isFinite);
  return isSound ? undefined : invalidArgument('metrics', expected, metrics);
}

const malformedError = (error: unknown): CoilyardError | undefined =>
  error === undefined || (typeof error === 'string' && error.length <= MAX_ERROR_LENGTH)
    ? undefined
    : invalidArgument('error', `a text of at most ${MAX_ERROR_LENGTH} characters`, error);

const oneOf = (field: string, words: readonly string[], word: unknown): CoilyardError | undefined =>
  words.some((known) => known === word) ? undefined : invalidArgument(field, `one of ${words.join(', ')}`, word);

const isCount = (count: unknown, least: number, most: number): boolean =>
  typeof count === 'number' && Number.isSafeInteger(count) && count >= least && count <= most;
