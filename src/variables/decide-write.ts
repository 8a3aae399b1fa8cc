/** Decides writes of values: one, or many at once. */

import { CoilyardError, describeValue } from '../kernel/errors.js';
import { err, ok, type Result } from '../kernel/result.js';
import type { ReplyTo, SetVariable, UpdateVariables, Write, WriteOutcome } from './commands.js';
import type { DecideContext, Decision } from './decision.js';
import type { VariableEvent } from './events.js';
import { evolve } from './evolve.js';
import { copyMetadata } from './plain-data.js';
import { checkBatch, inVariable, notFound, type Refusal, refuse } from './refusals.js';
import { Draft, type StateView } from './state.js';
import { type Metadata, noMetadata } from './value.js';
import type { Variable } from './variable.js';

export function decideSet(
  state: StateView,
  command: SetVariable,
  context: DecideContext,
): Result<Decision<ReplyTo<SetVariable>>, Refusal> {
  const metadata = copyMetadata(command.metadata, 'metadata');
  if (!metadata.ok) return metadata;
  const written = decideWrite(state, command, command.source, metadata.value, context);
  if (!written.ok) return written;
  const event = written.value;
  return ok({ events: [event], reply: { revision: context.nextRevision, variable: event.variable } });
}

export function decideUpdate(
  state: StateView,
  command: UpdateVariables,
  context: DecideContext,
): Result<Decision<ReplyTo<UpdateVariables>>, Refusal> {
  const tooMany = checkBatch('writes', command.writes.length, context.limits);
  if (tooMany !== undefined) return err(tooMany);
  const metadata = copyMetadata(command.metadata, 'metadata');
  if (!metadata.ok) return metadata;
  const draft = new Draft(state);
  const events: VariableEvent[] = [];
  const outcomes: WriteOutcome[] = [];
  let culprit: string | undefined;
  for (const write of command.writes) {
    const written = decideWrite(draft, write, command.source, metadata.value, context);
    if (written.ok) {
      evolve(draft, written.value);
      events.push(written.value);
      outcomes.push({ variable: write.variable, ok: true, updated: written.value.variable });
    } else {
      culprit ??= write.variable;
      outcomes.push({ variable: write.variable, ok: false, error: written.error });
    }
  }
  const nothing = { revision: context.revision, ok: culprit === undefined };
  if (culprit !== undefined && command.atomic)
    return ok({ events: [], reply: { ...nothing, outcomes: withdrawn(outcomes, culprit) } });
  if (events.length === 0) return ok({ events, reply: { ...nothing, outcomes } });
  return ok({ events, reply: { revision: context.nextRevision, ok: culprit === undefined, outcomes } });
}

/** In a refused atomic batch nothing was written: the writes that were not at fault say so too. */
function withdrawn(outcomes: readonly WriteOutcome[], culprit: string): WriteOutcome[] {
  return outcomes.map((outcome) =>
    outcome.ok
      ? {
          variable: outcome.variable,
          ok: false,
          error: new CoilyardError(
            'cancelled',
            `not written: the batch was refused because of ${describeValue(culprit)}`,
            {
              execution: 'not_started',
              details: { culprit },
            },
          ),
        }
      : outcome,
  );
}

type Updated = Extract<VariableEvent, { type: 'variable.updated' }>;

/** Existence, read-only, expected version, cast, constraints: in this order. */
function decideWrite(
  state: StateView,
  write: Write,
  source: string,
  metadata: Metadata,
  context: DecideContext,
): Result<Updated, Refusal> {
  const cell = state.resolve(write.variable);
  if (cell === undefined) return notFound(write.variable);
  const { record } = cell;
  if (record.readOnly) return refuse('read_only', `${record.name} is read-only`, { variable: record.name });
  const { expectedVersion } = write;
  if (expectedVersion !== undefined && expectedVersion !== record.version)
    return refuse(
      'optimistic_lock_failure',
      `${record.name}: expected version ${expectedVersion}, it is at version ${record.version}`,
      { variable: record.name, expected: expectedVersion, actual: record.version },
    );
  const checked = cell.check(write.value, write.kind);
  if (!checked.ok) return err(inVariable(record.name, checked.error));
  return ok({
    type: 'variable.updated',
    variable: nextVersion(record, checked.value, source, metadata, context),
    oldValue: record.value,
  });
}

function nextVersion(
  record: Variable,
  value: unknown,
  source: string,
  updateMetadata: Metadata,
  context: DecideContext,
): Variable {
  return {
    id: record.id,
    name: record.name,
    type: record.type,
    value,
    version: record.version + 1,
    revision: context.nextRevision,
    constraints: record.constraints,
    metadata:
      updateMetadata === noMetadata ? record.metadata : Object.freeze({ ...record.metadata, ...updateMetadata }),
    description: record.description,
    readOnly: record.readOnly,
    source,
    createdAtMs: record.createdAtMs,
    updatedAtMs: context.nowMs,
    updateMetadata,
  };
}
