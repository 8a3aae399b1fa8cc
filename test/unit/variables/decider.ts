/** A session's variables without a session: decides and evolves at once, one revision per command that changes anything. */

import type { CoilyardError } from '../../../src/kernel/errors.js';
import type { CommandType, Replies, VariableCommand, VariableSpec } from '../../../src/variables/commands.js';
import { decide } from '../../../src/variables/decide.js';
import type { VariableEvent } from '../../../src/variables/events.js';
import { evolve } from '../../../src/variables/evolve.js';
import { defaultVariableLimits, type VariableLimits } from '../../../src/variables/limits.js';
import { VariablesState } from '../../../src/variables/state.js';
import type { Variable } from '../../../src/variables/variable.js';

/** `Omit` that keeps the members of a union apart. */
type Without<Union, Key extends PropertyKey> = Union extends unknown ? Omit<Union, Key> : never;
export type Ask = Without<VariableCommand, 'source'> & { readonly source?: string };

export type Answer =
  | { readonly ok: true; readonly reply: unknown }
  | { readonly ok: false; readonly error: CoilyardError };

export class Decider {
  readonly state = new VariablesState();
  readonly events: VariableEvent[] = [];
  readonly #limits: VariableLimits;
  revision = 0;
  nowMs = 1_000_000;

  constructor(limits: Partial<VariableLimits> = {}) {
    this.#limits = { ...defaultVariableLimits, ...limits };
  }

  ask(ask: Ask): Answer {
    // A test may leave out what every caller fills in.
    const command = { source: 'test', ...ask } as VariableCommand;
    const decided = decide(this.state, command, {
      nowMs: this.nowMs,
      revision: this.revision,
      nextRevision: this.revision + 1,
      limits: this.#limits,
    });
    if (!decided.ok) return { ok: false, error: decided.error };
    const { events, reply } = decided.value;
    for (const event of events) evolve(this.state, event);
    if (events.length > 0) this.revision += 1;
    this.events.push(...events);
    return { ok: true, reply };
  }

  /** The reply; throws the refusal. */
  tell<Type extends CommandType>(ask: Ask & { readonly type: Type }): Replies[Type] {
    const answer = this.ask(ask);
    if (!answer.ok) throw answer.error;
    // The reply to a command is fixed by its type.
    return answer.reply as Replies[Type];
  }

  /** The refusal; throws when there is none. */
  refusal(ask: Ask): CoilyardError {
    const answer = this.ask(ask);
    if (answer.ok) throw new Error(`accepted: ${JSON.stringify(ask)}`);
    return answer.error;
  }

  register(name: string, type: string, initialValue: unknown, more: Partial<VariableSpec> = {}): Variable {
    const [variable] = this.tell({
      type: 'variables.register',
      specs: [{ name, type, initialValue, ...more }],
    }).variables;
    if (variable === undefined) throw new Error('registered without its variable');
    return variable;
  }

  set(
    variable: string,
    value: unknown,
    more: Partial<Extract<VariableCommand, { type: 'variable.set' }>> = {},
  ): Variable {
    return this.tell({ type: 'variable.set', variable, value, ...more }).variable;
  }

  variable(reference: string): Variable | undefined {
    return this.state.resolve(reference)?.record;
  }

  value(reference: string): unknown {
    return this.variable(reference)?.value;
  }
}

/** Everything that can be seen of a state: a refused command must leave it as it was. */
export const picture = (decider: Decider): unknown => [decider.revision, decider.state.snapshot()];
