/** The variables of a session without a session: decides and evolves at once, with types, functions and callers. */

import type { CoilyardError } from '../../src/kernel/errors.js';
import type { CommandType, Replies, SetVariable, VariableCommand, VariableSpec } from '../../src/variables/commands.js';
import type { Compute } from '../../src/variables/compute.js';
import { decide } from '../../src/variables/decide.js';
import type { VariableEvent } from '../../src/variables/events.js';
import { evolve } from '../../src/variables/evolve.js';
import { defaultVariableLimits, type VariableLimits } from '../../src/variables/limits.js';
import { VariablesState } from '../../src/variables/state.js';
import { builtInTypes, type TypeRegistry } from '../../src/variables/types/registry.js';
import type { Variable } from '../../src/variables/variable.js';

type Without<Union, Key extends PropertyKey> = Union extends unknown ? Omit<Union, Key> : never;
export type Ask = Without<VariableCommand, 'source'> & { readonly source?: string };

export class DomainSession {
  readonly state: VariablesState;
  readonly events: VariableEvent[] = [];
  readonly computations = new Map<string, Compute>();
  readonly types: TypeRegistry;
  readonly #limits: VariableLimits;
  revision = 0;
  nowMs = 1_000_000;

  constructor(options: { types?: TypeRegistry; limits?: Partial<VariableLimits>; state?: VariablesState } = {}) {
    this.types = options.types ?? builtInTypes;
    this.#limits = { ...defaultVariableLimits, ...options.limits };
    this.state = options.state ?? new VariablesState();
  }

  /** The reply, or the refusal as a value. */
  ask(ask: Ask): { ok: true; reply: unknown } | { ok: false; error: CoilyardError } {
    // A test may leave out what every caller fills in.
    const command = { source: 'test', ...ask } as VariableCommand;
    const decided = decide(this.state, command, {
      nowMs: this.nowMs,
      revision: this.revision,
      nextRevision: this.revision + 1,
      limits: this.#limits,
      sessionId: 'owner',
      types: this.types,
      computations: this.computations,
    });
    if (!decided.ok) return decided;
    const { events, reply, computations } = decided.value;
    for (const event of events) evolve(this.state, event);
    for (const [id, compute] of computations ?? []) this.computations.set(id, compute);
    if (events.length > 0) this.revision += 1;
    this.events.push(...events);
    return { ok: true, reply };
  }

  tell<Type extends CommandType>(ask: Ask & { readonly type: Type }): Replies[Type] {
    const answer = this.ask(ask);
    if (!answer.ok) throw answer.error;
    // The reply to a command is fixed by its type.
    return answer.reply as Replies[Type];
  }

  refusal(ask: Ask): CoilyardError {
    const answer = this.ask(ask);
    if (answer.ok) throw new Error(`accepted: ${ask.type}`);
    return answer.error;
  }

  register(name: string, type: string, initialValue?: unknown, more: Partial<VariableSpec> = {}): Variable {
    this.tell({ type: 'variables.register', specs: [{ name, type, initialValue, ...more }] });
    return this.variable(name);
  }

  set(variable: string, value: unknown, more: Partial<SetVariable> = {}): Variable {
    return this.tell({ type: 'variable.set', variable, value, ...more }).variable;
  }

  depend(from: string, to: string, dependencyType?: 'data' | 'constraint' | 'optimization'): void {
    this.tell({ type: 'dependency.add', from, to, dependencyType });
  }

  variable(reference: string): Variable {
    const record = this.state.resolve(reference)?.record;
    if (record === undefined) throw new Error(`there is no ${reference}`);
    return record;
  }

  value(reference: string): unknown {
    return this.variable(reference).value;
  }

  names(): string[] {
    return [...this.state.records()].map(({ name }) => name);
  }

  /** Everything that can be seen: a refused command must leave it as it was. */
  picture(): unknown {
    return [this.revision, this.state.snapshot()];
  }
}
