/**
 * About how many bytes of values something holds on to. What is kept by number alone would grow without bound with the
 * size of the values; what is not a value (names, texts about it, settings) is small and not counted.
 */

import type { AnyReply } from './commands.js';
import type { VariableEvent } from './events.js';
import type { Optimization, OptimizationTrial } from './optimization.js';
import { sizeOf } from './plain-data.js';
import { type Metadata, noMetadata } from './value.js';
import type { Variable } from './variable.js';

const BYTES_PER_PLACE = 8;

/** The old value of an update is part of what was kept before, and the answer to a request is of what it made happen. */
export function weightOfEvents(events: readonly VariableEvent[]): number {
  let weight = 0;
  for (const event of events)
    switch (event.type) {
      case 'variable.registered':
        weight += weightOf(event.variable);
        for (const earlier of event.earlier ?? []) weight += weightOf(earlier);
        break;
      case 'variable.updated':
        weight += weightOf(event.variable);
        break;
      case 'variable.deleted':
        weight += weightOfValue(event.oldValue);
        break;
      case 'optimization.progressed':
        weight += weightOfTrial(event.trial);
    }
  return weight;
}

export function weightOfReply(reply: AnyReply): number {
  if ('variable' in reply) return weightOf(reply.variable);
  // All answers of one run share what it began with, and its best is of one of them.
  if ('trial' in reply) return weightOfTrial(reply.trial);
  if ('optimization' in reply) return weightOfRun(reply.optimization);
  let weight = 0;
  if ('variables' in reply) for (const variable of reply.variables) weight += weightOf(variable);
  else if ('outcomes' in reply)
    for (const outcome of reply.outcomes) weight += outcome.ok ? weightOf(outcome.updated) : 0;
  return weight;
}

/** What a run holds on to besides its trials. */
export function weightOfRun({ variables, config, best }: Optimization): number {
  return weightOfAll(variables.map(({ before }) => before.value)) + weightOfMetadata(config) + weightOfTrial(best);
}

/** Names of metrics and what went wrong are words of clients, of which there may be many. */
export function weightOfTrial(trial: OptimizationTrial | undefined): number {
  if (trial === undefined) return 0;
  const { values, metrics, error } = trial;
  return weightOfAll(values) + weightOfAll(Object.keys(metrics)) + weightOfValue(error);
}

/** A trial has a value for each variable of its run, of which there may be thousands: their places count as well. */
function weightOfAll(values: readonly unknown[]): number {
  let weight = values.length * BYTES_PER_PLACE;
  for (const value of values) weight += weightOfValue(value);
  return weight;
}

const weightOf = ({ value, updateMetadata }: Variable): number =>
  weightOfValue(value) + weightOfMetadata(updateMetadata);

const weightOfMetadata = (metadata: Metadata): number => (metadata === noMetadata ? 0 : weightOfValue(metadata));

export const weightOfValue = (value: unknown): number =>
  typeof value === 'number' || typeof value === 'boolean' || value === null || value === undefined
    ? 0
    : sizeOf(value, Infinity);
