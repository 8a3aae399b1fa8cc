/**
 * The variables of a session as simply as they can be said: integers from 0 to 9, found by name, in a list. It shares no
 * code with what it checks.
 */

import type { Ask } from '../support/domain-session.js';

interface Entry {
  readonly name: string;
  readonly readOnly: boolean;
  value: number;
  version: number;
  revision: number;
  metadata: [string, unknown][];
  history: [version: number, value: number][];
}

type Outcome = string | { readonly revision: number; readonly outcomes?: readonly (string | number)[] };
type Write = { readonly variable: string; readonly value: unknown; readonly expectedVersion?: number | undefined };

export class Model {
  #entries: Entry[] = [];
  #revision = 0;
  /** Requests that changed something: what they asked in short, and their outcome. */
  readonly #done = new Map<string, { readonly asked: string; readonly outcome: Outcome }>();

  ask(ask: Ask): Outcome {
    const { requestId } = ask;
    const earlier = requestId === undefined ? undefined : this.#done.get(requestId);
    if (earlier !== undefined) return earlier.asked === inShort(ask) ? earlier.outcome : 'invalid_argument';
    const before = structuredClone(this.#entries);
    const revision = this.#revision + 1;
    const outcome = this.#carryOut(ask, revision);
    const hasChanged = JSON.stringify(this.#entries) !== JSON.stringify(before);
    if (!hasChanged) return outcome;
    this.#revision = revision;
    if (requestId !== undefined) this.#done.set(requestId, { asked: inShort(ask), outcome });
    return outcome;
  }

  picture(): unknown {
    return {
      revision: this.#revision,
      variables: this.#entries.map(({ readOnly: _, ...entry }) => entry),
    };
  }

  #carryOut(ask: Ask, revision: number): Outcome {
    switch (ask.type) {
      case 'variables.register': {
        const before = [...this.#entries];
        for (const { name, initialValue, readOnly = false } of ask.specs) {
          const code = this.#find(name) !== undefined ? 'variable_exists' : refusalOf(initialValue);
          if (code !== undefined) {
            this.#entries = before;
            return code;
          }
          const value = Number(initialValue);
          const entry = { name, readOnly, value, version: 0, revision, metadata: [] };
          this.#entries.push({ ...entry, history: [[0, value]] });
        }
        return { revision };
      }
      case 'variable.set': {
        const code = this.#write(ask, revision, ask.metadata);
        return typeof code === 'string' ? code : { revision };
      }
      case 'variables.update': {
        const before = structuredClone(this.#entries);
        const outcomes = ask.writes.map((write) => this.#write(write, revision, ask.metadata));
        const failed = outcomes.some((outcome) => typeof outcome === 'string');
        if (!failed || !ask.atomic) {
          const isChanged = outcomes.some((outcome) => typeof outcome === 'number');
          return { revision: isChanged ? revision : this.#revision, outcomes };
        }
        this.#entries = before;
        const told = outcomes.map((outcome) => (typeof outcome === 'string' ? outcome : 'cancelled'));
        return { revision: this.#revision, outcomes: told };
      }
      case 'variable.delete': {
        const entry = this.#find(ask.variable);
        if (entry === undefined) return 'variable_not_found';
        this.#entries = this.#entries.filter((other) => other !== entry);
        return { revision };
      }
      default:
        throw new Error(`the model does not know ${ask.type}`);
    }
  }

  /** The new version, or the code of the refusal. */
  #write(write: Write, revision: number, metadata: Readonly<Record<string, unknown>> | undefined): string | number {
    const entry = this.#find(write.variable);
    if (entry === undefined) return 'variable_not_found';
    if (entry.readOnly) return 'read_only';
    if (write.expectedVersion !== undefined && write.expectedVersion !== entry.version)
      return 'optimistic_lock_failure';
    const code = refusalOf(write.value);
    if (code !== undefined) return code;
    entry.value = Number(write.value);
    entry.version += 1;
    entry.revision = revision;
    entry.metadata = [...new Map([...entry.metadata, ...Object.entries(metadata ?? {})])];
    entry.history = [[entry.version, entry.value] as [number, number], ...entry.history].slice(0, 100);
    return entry.version;
  }

  #find(name: string): Entry | undefined {
    return this.#entries.find((entry) => entry.name === name);
  }
}

function refusalOf(value: unknown): string | undefined {
  if (typeof value !== 'number' || !Number.isInteger(value)) return 'validation_failed';
  return value < 0 || value > 9 ? 'constraint_violation' : undefined;
}

/** What of a request has to be the same for it to be the same request. */
function inShort(ask: Ask): string {
  switch (ask.type) {
    case 'variables.register':
      return JSON.stringify([ask.type, ask.specs.map(({ name }) => name)]);
    case 'variables.update':
      return JSON.stringify([ask.type, ask.writes.map(({ variable }) => variable)]);
    case 'variable.set':
      return JSON.stringify([ask.type, ask.variable]);
    default:
      return JSON.stringify([ask.type]);
  }
}
