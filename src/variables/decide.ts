/**
 * Decides what a command makes happen. Pure: the same state, command and context give the same decision, and a refusal
 * is a value that has changed nothing. What each command needs is decided in the file named after it.
 */

import { assertNever, err, ok, type Result } from '../kernel/result.js';
import type { CommandReply, VariableCommand } from './commands.js';
import { decideCompute, withComputed } from './decide-compute.js';
import { decideConfigure } from './decide-configure.js';
import { decideDelete } from './decide-delete.js';
import { decideAddDependency, decideRemoveDependency } from './decide-dependencies.js';
import { decideImport } from './decide-import.js';
import { decideOptimization } from './decide-optimization.js';
import { decideRegister } from './decide-register.js';
import { decideRollback } from './decide-rollback.js';
import { decideSet, decideUpdate } from './decide-write.js';
import type { DecideContext, Decision } from './decision.js';
import type { VariableEvent } from './events.js';
import { unreadable } from './plain-data.js';
import { callerOf, notGranted, type Refusal, refuse } from './refusals.js';
import { malformed } from './shape.js';
import type { StateView } from './state.js';

/** The decision for any command; a retried request gets the reply of the first time and makes nothing happen. */
export function decide(state: StateView, command: VariableCommand, context: DecideContext): Result<Decision, Refusal> {
  // Of a single write only the value is still the caller's own, and its cast looks at it with care.
  if (command.type === 'variable.set') return decideReadable(state, command, context);
  try {
    return decideReadable(state, command, context);
  } catch (error) {
    // The others carry lists and maps of their caller, whose getters and proxies may throw. Nothing has changed.
    return unreadable(dataOf(command), '', error);
  }
}

/** What the caller's data are called in refusals. */
const dataOf = (command: VariableCommand): object =>
  command.type === 'variables.register' ? { variables: command.specs } : command;

function decideReadable(state: StateView, command: VariableCommand, context: DecideContext): Result<Decision, Refusal> {
  const error = malformed(command);
  if (error !== undefined) return err(error);
  if (command.byRuleOnly === true && !opensToGuests[command.type])
    return err(notGranted(callerOf(command, context).id));
  if (command.requestId === undefined) return decideWhole(state, command, context);
  const requestId = requestKey(command, command.requestId, context);
  const earlier = state.completed(requestId);
  if (earlier !== undefined) return answerAgain(command, earlier);
  const decided = decideWhole(state, command, context);
  if (!decided.ok || decided.value.events.length === 0) return decided;
  const { events, reply } = decided.value;
  const completed: VariableEvent = {
    type: 'request.completed',
    requestId,
    reply: { command: command.type, body: reply },
  };
  return ok({ ...decided.value, events: [...events, completed] });
}

/**
 * What a guest can be granted is what happens to the values of variables. Which variables there are, what they are like
 * and who may use them is for those who may use the session.
 */
const opensToGuests: Readonly<Record<VariableCommand['type'], boolean>> = Object.freeze({
  'variable.set': true,
  'variables.update': true,
  'variable.rollback': true,
  'variables.register': false,
  // It would take the rules away with the variable.
  'variable.delete': false,
  'variable.configure': false,
  'dependency.add': false,
  'dependency.remove': false,
  'variable.compute': false,
  'variables.import': false,
  'optimization.start': true,
  'optimization.apply': true,
  'optimization.record': true,
  'optimization.end': true,
});

/** The ids of a guest's requests are its own: it neither hears the answer to another's nor takes its place. */
const requestKey = (command: VariableCommand, requestId: string, context: DecideContext): string =>
  command.byRuleOnly === true ? `${callerOf(command, context).id}\n${requestId}` : requestId;

/** With what has to be computed again because of it. */
function decideWhole(state: StateView, command: VariableCommand, context: DecideContext): Result<Decision, Refusal> {
  const decided = decideFresh(state, command, context);
  if (!decided.ok || state.computed === 0) return decided;
  const whole = withComputed(state, decided.value, context);
  if (whole.ok || command.byRuleOnly !== true) return whole;
  // Which variables follow, and why one cannot, may be none of a guest's business.
  return refuse('validation_failed', 'what is computed from the value cannot follow', { computed: true });
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
    case 'variable.rollback':
      return decideRollback(state, command, context);
    case 'variable.configure':
      return decideConfigure(state, command, context);
    case 'dependency.add':
      return decideAddDependency(state, command, context);
    case 'dependency.remove':
      return decideRemoveDependency(state, command, context);
    case 'variable.compute':
      return decideCompute(state, command, context);
    case 'variables.import':
      return decideImport(state, command, context);
    case 'optimization.start':
    case 'optimization.apply':
    case 'optimization.record':
    case 'optimization.end':
      return decideOptimization(state, command, context);
    default:
      return assertNever(command);
  }
}

function answerAgain(command: VariableCommand, earlier: CommandReply): Result<Decision, Refusal> {
  if (isAnswerTo(command, earlier)) return ok({ events: [], reply: earlier.body });
  return refuse(
    'invalid_argument',
    `request_id: expected an id of its own for this ${command.type}, got one that another ${earlier.command} has used`,
    { field: 'request_id' },
  );
}

/** As far as an answer tells what was asked: the kind of command and the variables it was about. */
function isAnswerTo(command: VariableCommand, { command: type, body }: CommandReply): boolean {
  if (type !== command.type) return false;
  switch (command.type) {
    case 'variable.set':
    case 'variable.rollback':
    case 'variable.configure':
      return 'variable' in body && (body.variable.name === command.variable || body.variable.id === command.variable);
    case 'variables.update':
      return 'outcomes' in body && isSameList(body.outcomes.map(toVariable), command.writes.map(toVariable));
    case 'variables.register':
      return 'variables' in body && isSameList(body.variables.map(toName), command.specs.map(toName));
    case 'variable.delete':
    case 'dependency.add':
    case 'dependency.remove':
    case 'variable.compute':
    case 'variables.import':
      return true;
    case 'optimization.start':
      return 'optimization' in body && body.optimization.variables.length === command.variables.length;
    case 'optimization.apply':
    case 'optimization.record':
    case 'optimization.end':
      return 'optimization' in body && body.optimization.id === command.optimizationId;
  }
}

const toVariable = ({ variable }: { readonly variable: string }): string => variable;
const toName = ({ name }: { readonly name: string }): string => name;
const isSameList = (some: readonly string[], others: readonly string[]): boolean =>
  some.length === others.length && some.every((text, index) => text === others[index]);
