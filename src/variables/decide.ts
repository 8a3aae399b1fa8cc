/**
 * Decides what a command makes happen. Pure: the same state, command and context give the same decision, and a refusal
 * is a value that has changed nothing.
 */

import { CoilyardError, describeValue } from '../kernel/errors.js';
import { variableId } from '../kernel/ids.js';
import { assertNever, err, ok, type Result } from '../kernel/result.js';
import type {
  AnyReply,
  CommandReply,
  DeleteVariable,
  RegisterVariables,
  ReplyTo,
  SetVariable,
  UpdateVariables,
  VariableCommand,
  VariableSpec,
  Write,
  WriteOutcome,
} from './commands.js';
import type { VariableEvent } from './events.js';
import { evolve } from './evolve.js';
import { checkName } from './names.js';
import { copyMetadata } from './plain-data.js';
import { malformed } from './shape.js';
import { type Cell, Draft, type StateView } from './state.js';
import { parseConstraints } from './types/registry.js';
import { type Metadata, noMetadata } from './value.js';
import type { Variable } from './variable.js';

export interface VariableLimits {
  /** Variables in one session. Default 100,000. */
  readonly maxVariables: number;
  /** Specs or writes in one command. Default 10,000. */
  readonly maxBatch: number;
}

export const defaultVariableLimits: VariableLimits = Object.freeze({ maxVariables: 100_000, maxBatch: 10_000 });

export interface DecideContext {
  /** Epoch milliseconds that the records will carry. */
  readonly nowMs: number;
  /** The revision that the session has now, and the one it will have if anything happens. */
  readonly revision: number;
  readonly nextRevision: number;
  readonly limits: VariableLimits;
}

export interface Decision<Reply = AnyReply> {
  /** Empty when there is nothing to commit: the reply stands as it is. */
  readonly events: readonly VariableEvent[];
  readonly reply: Reply;
}

type Refusal = CoilyardError;

/** The decision for any command; a retried request gets the reply of the first time and makes nothing happen. */
export function decide(state: StateView, command: VariableCommand, context: DecideContext): Result<Decision, Refusal> {
  const error = malformed(command);
  if (error !== undefined) return err(error);
  const { requestId } = command;
  if (requestId === undefined) return decideFresh(state, command, context);
  const earlier = state.completed(requestId);
  if (earlier !== undefined) return answerAgain(command, earlier);
  const decided = decideFresh(state, command, context);
  if (!decided.ok || decided.value.events.length === 0) return decided;
  const { events, reply } = decided.value;
  const completed: VariableEvent = {
    type: 'request.completed',
    requestId,
    reply: { command: command.type, body: reply },
  };
  return ok({ events: [...events, completed], reply });
}

function decideFresh(state: StateView, command: VariableCommand, context: DecideContext): Result<Decision, Refusal> {
  switch (command.type) {
    case 'variable.set':
      return decideSet(state, command, context);
    case 'variables.update':
      return decideUpdate(state, command, context);
    case 'variables.register':
      return decideRegister(state, command, context);
    case 'variable.delete':
      return decideDelete(state, command, context);
    default:
      return assertNever(command);
  }
}

function answerAgain(command: VariableCommand, earlier: CommandReply): Result<Decision, Refusal> {
  if (earlier.command === command.type) return ok({ events: [], reply: earlier.body });
  return refuse(
    'invalid_argument',
    `request_id: expected an id of its own for ${command.type}, got one that ${earlier.command} has used`,
    { field: 'request_id' },
  );
}

function decideSet(
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

function decideUpdate(
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

function decideRegister(
  state: StateView,
  command: RegisterVariables,
  context: DecideContext,
): Result<Decision<ReplyTo<RegisterVariables>>, Refusal> {
  const { specs, source } = command;
  if (specs.length === 0) return refuse('invalid_argument', 'variables: expected at least one, got none', {});
  const tooMany = checkBatch('variables', specs.length, context.limits);
  if (tooMany !== undefined) return err(tooMany);
  const draft = new Draft(state);
  const events: VariableEvent[] = [];
  const variables: Variable[] = [];
  for (const spec of specs) {
    const registered = decideOneRegistration(draft, spec, source, context);
    if (!registered.ok) return registered;
    const event: VariableEvent = { type: 'variable.registered', variable: registered.value };
    evolve(draft, event);
    events.push(event);
    variables.push(registered.value);
  }
  return ok({ events, reply: { revision: context.nextRevision, variables } });
}

function decideOneRegistration(
  state: StateView,
  spec: VariableSpec,
  source: string,
  context: DecideContext,
): Result<Variable, Refusal> {
  const name = checkName(spec.name);
  if (!name.ok) return name;
  const existing = state.resolve(spec.name);
  if (existing !== undefined)
    return refuse('variable_exists', `${spec.name} exists already as ${existing.record.id}`, {
      variable: spec.name,
      variableId: existing.record.id,
    });
  if (state.size >= context.limits.maxVariables)
    return refuse('rate_limited', `a session holds at most ${context.limits.maxVariables} variables`, {
      limit: context.limits.maxVariables,
    });
  const typed = parseConstraints(spec.type, spec.constraints);
  if (!typed.ok) return err(inVariable(spec.name, typed.error));
  const metadata = copyMetadata(spec.metadata, 'metadata');
  if (!metadata.ok) return err(inVariable(spec.name, metadata.error));
  const { constraints } = typed.value;
  const record: Variable = {
    id: variableId(`var_${spec.name}_${state.registrations + 1}`),
    name: spec.name,
    type: spec.type,
    value: undefined,
    version: 0,
    revision: context.nextRevision,
    constraints,
    metadata: metadata.value,
    description: spec.description ?? '',
    readOnly: spec.readOnly ?? false,
    source,
    createdAtMs: context.nowMs,
    updatedAtMs: context.nowMs,
    updateMetadata: metadata.value,
  };
  const checked = typed.value.check(spec.initialValue, spec.kind);
  if (!checked.ok) return err(inVariable(spec.name, checked.error));
  return ok({ ...record, value: checked.value });
}

function decideDelete(
  state: StateView,
  command: DeleteVariable,
  context: DecideContext,
): Result<Decision<ReplyTo<DeleteVariable>>, Refusal> {
  const cell: Cell | undefined = state.resolve(command.variable);
  if (cell === undefined) return notFound(command.variable);
  const { id, name, type, version, value } = cell.record;
  const event: VariableEvent = {
    type: 'variable.deleted',
    variableId: id,
    name,
    variableType: type,
    version,
    oldValue: value,
    source: command.source,
    atMs: context.nowMs,
  };
  return ok({ events: [event], reply: { revision: context.nextRevision } });
}

function checkBatch(field: string, size: number, { maxBatch }: VariableLimits): Refusal | undefined {
  if (size <= maxBatch) return undefined;
  return new CoilyardError('invalid_argument', `${field}: expected at most ${maxBatch}, got ${size}`, {
    details: { field, expected: maxBatch, actual: size },
  });
}

export function variableNotFound(reference: string): CoilyardError {
  return new CoilyardError('variable_not_found', `there is no variable ${describeValue(reference)}`, {
    details: { variable: reference },
  });
}

const notFound = (reference: string): Result<never, Refusal> => err(variableNotFound(reference));

/** The same refusal, saying which variable it is about. */
function inVariable(name: string, error: CoilyardError): CoilyardError {
  return new CoilyardError(error.code, `${name}: ${error.message}`, { details: { variable: name, ...error.details } });
}

function refuse(
  code: CoilyardError['code'],
  message: string,
  details: Readonly<Record<string, unknown>>,
): Result<never, Refusal> {
  return err(new CoilyardError(code, message, { details }));
}
