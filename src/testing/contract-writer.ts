/** A writer of commits with a memory of its own: what it has written is what a store has to give back. */

import { deepStrictEqual as same } from 'node:assert/strict';
import { type SessionId, sessionId } from '../kernel/ids.js';
import type {
  Commit,
  CommitOutcome,
  CommitRequest,
  Position,
  ResetReason,
  ResumePoint,
  SessionRecord,
  SessionStore,
} from '../sessions/store.js';
import { ORIGIN } from '../sessions/store.js';
import type { VariableCommand } from '../variables/commands.js';
import { decide } from '../variables/decide.js';
import type { VariableEvent } from '../variables/events.js';
import { evolve } from '../variables/evolve.js';
import { defaultVariableLimits } from '../variables/limits.js';
import { VariablesState } from '../variables/state.js';

/** The record of a session with everything that a test does not care about. */
export const aRecord = (id: string, more: Partial<SessionRecord> = {}): SessionRecord => ({
  id: sessionId(id),
  createdAtMs: 1_700_000_000_000,
  ttlMs: null,
  metadata: {},
  owner: null,
  ...more,
});

type Extra = Pick<CommitRequest, 'fence'>;

export class ContractWriter {
  readonly id: SessionId;
  readonly name: string;
  readonly commits: Commit[] = [];
  readonly #store: SessionStore;
  #state = new VariablesState();
  #position: Position = ORIGIN;
  #seq = 0;
  #last: CommitRequest | undefined;

  constructor(store: SessionStore, id: string, name = 'writer') {
    this.#store = store;
    this.id = sessionId(id);
    this.name = name;
  }

  static async create(store: SessionStore, id: string): Promise<ContractWriter> {
    await store.create(aRecord(id));
    return new ContractWriter(store, id);
  }

  get position(): Position {
    return this.#position;
  }

  /** The request that was sent last. */
  get last(): CommitRequest {
    if (this.#last === undefined) throw new TypeError('nothing was committed yet');
    return this.#last;
  }

  /** The next request, without its events. */
  get next(): Omit<CommitRequest, 'events'> {
    const seq = this.#seq + 1;
    return {
      writer: this.name,
      seq,
      expected: this.#position,
      tag: `${this.name}.${seq}`,
      atMs: 1_700_000_000_000 + seq,
    };
  }

  /** Another writer that knows all that this one knows. */
  async successor(name: string): Promise<ContractWriter> {
    const other = new ContractWriter(this.#store, this.id, name);
    other.#adopt(this);
    return other;
  }

  /** The same writer before another store. */
  on(store: SessionStore): ContractWriter {
    const other = new ContractWriter(store, this.id, this.name);
    other.#adopt(this);
    return other;
  }

  tryRegister(name: string, initialValue: unknown, extra: Extra = {}): Promise<CommitOutcome> {
    const specs = [{ name, type: 'integer', initialValue }];
    return this.#tell({ type: 'variables.register', specs, source: 'contract' }, extra);
  }

  async register(name: string, initialValue: unknown, extra: Extra = {}): Promise<void> {
    same((await this.tryRegister(name, initialValue, extra)).type, 'committed');
  }

  async set(variable: string, value: unknown): Promise<void> {
    const outcome = await this.#tell({ type: 'variable.set', variable, value, source: 'contract' }, {});
    same(outcome.type, 'committed');
  }

  /** Commits of every kind, with the values that are easily lost on the way. */
  async playEverything(): Promise<void> {
    for (const command of everything) same((await this.#tell(command, {})).type, 'committed');
  }

  /** The commits behind a place. */
  async tail(after: ResumePoint): Promise<readonly Commit[]> {
    const resumed = await this.#store.resume(this.id, after);
    same(resumed.type, 'tail');
    return resumed.type === 'tail' ? resumed.commits : [];
  }

  async expectSnapshot(after: ResumePoint | undefined, reason: ResetReason): Promise<void> {
    const resumed = await this.#store.resume(this.id, after);
    if (resumed.type !== 'snapshot') throw new TypeError(`expected a snapshot (${reason}), got ${resumed.type}`);
    same([resumed.reason, resumed.position], [reason, this.#position]);
    same(VariablesState.restore(resumed.state).snapshot(), this.#state.snapshot());
  }

  async #tell(command: VariableCommand, extra: Extra): Promise<CommitOutcome> {
    const decided = decide(this.#state, command, {
      nowMs: this.next.atMs,
      revision: this.#position.revision,
      nextRevision: this.#position.revision + 1,
      limits: defaultVariableLimits,
      sessionId: this.id,
      types: undefined,
      computations: undefined,
    });
    if (!decided.ok) throw decided.error;
    return this.#commit(decided.value.events, extra);
  }

  async #commit(events: readonly VariableEvent[], extra: Extra): Promise<CommitOutcome> {
    const request: CommitRequest = { ...this.next, ...extra, events };
    const outcome = await this.#store.commit(this.id, request);
    if (outcome.type !== 'committed') return outcome;
    for (const event of events) evolve(this.#state, event);
    this.#seq = request.seq;
    this.#last = request;
    this.#position = outcome.position;
    this.commits.push({ position: outcome.position, events, atMs: request.atMs });
    return outcome;
  }

  #adopt(other: ContractWriter): void {
    this.#state = VariablesState.restore(other.#state.snapshot());
    this.#position = other.#position;
    this.commits.push(...other.commits);
    if (this.name !== other.name) return;
    this.#seq = other.#seq;
    this.#last = other.#last;
  }
}

const source = 'contract';

const everything: readonly VariableCommand[] = [
  {
    type: 'variables.register',
    source,
    specs: [
      { name: 'counter', type: 'integer', initialValue: 0, constraints: { min: 0 } },
      { name: 'big', type: 'integer', initialValue: 2n ** 200n + 1n },
      { name: 'float', type: 'float', initialValue: 0.1 + 0.2, constraints: { allowNan: true } },
      {
        name: 'text',
        type: 'string',
        initialValue: '\u0000 é 😀 "\\',
        description: 'any text',
        metadata: { a: [1n, null] },
      },
      { name: '__proto__', type: 'boolean', initialValue: false, readOnly: true },
      { name: 'choice', type: 'choice', initialValue: 'a', constraints: { choices: ['a', 'b'] } },
      { name: 'list', type: 'list', initialValue: [1, 2n ** 60n, 'x', null, [true]] },
      { name: 'map', type: 'map', initialValue: { constructor: 1, nested: { deep: [] } } },
      { name: 'embedding', type: 'embedding', initialValue: [1, 0.5, -0.25], constraints: { dimensions: 3 } },
    ],
  },
  ...[Number.NaN, Number.POSITIVE_INFINITY, Number.NEGATIVE_INFINITY, -0, Number.MIN_VALUE, 1e308].map(
    (value): VariableCommand => ({ type: 'variable.set', variable: 'float', value, source }),
  ),
  {
    type: 'variables.update',
    source: 'python',
    atomic: false,
    requestId: 'request-1',
    metadata: { step: 1 },
    writes: [
      { variable: 'counter', value: 1 },
      { variable: 'big', value: -(2n ** 70n) },
    ],
  },
  { type: 'dependency.add', from: 'counter', to: 'big', source },
  { type: 'variable.configure', variable: 'counter', constraints: { min: 0, max: 1000 }, source },
  { type: 'variable.delete', variable: 'choice', source, requestId: 'request-2' },
];
