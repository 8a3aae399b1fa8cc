/** Decides writes of values: one, or many at once. */

import { CoilyardError, describeValue } from '../kernel/errors.js';
import { err, ok, type Result } from '../kernel/result.js';
import type { ReplyTo, SetVariable, UpdateVariables, WriteOutcome } from './commands.js';
import type { DecideContext, Decision } from './decision.js';
import type { VariableEvent } from './events.js';
import { evolve } from './evolve.js';
import { decideWrite } from './next-version.js';
import { copyMetadata } from './plain-data.js';
import { checkBatch, type Refusal } from './refusals.js';
import { Draft, type StateView } from './state.js';

export function decideSet(
  state: StateView,
  command: SetVariable,
  context: DecideContext,
): Result<Decision<ReplyTo<SetVariable>>, Refusal> {
  const metadata = copyMetadata(command.metadata, 'metadata');
  if (!metadata.ok) return metadata;
  const written = decideWrite(state, command, command, metadata.value, context);
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
    const written = decideWrite(draft, write, command, metadata.value, context);
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
