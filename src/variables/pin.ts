/**
 * The variables as they were at one revision, while the session goes on. Nothing is copied: the state hands over each
 * record before it replaces it for the first time.
 */

import type { Variable } from './variable.js';

/** What a pin looks at; given so narrowly because the state knows of its pins. */
export interface PinnedState {
  resolve(reference: string): { readonly record: Variable } | undefined;
  records(): Iterable<Variable>;
  addPin(pin: Pin): void;
  removePin(pin: Pin): void;
}

export class Pin {
  readonly revision: number;
  #state: PinnedState | undefined;
  #released = false;
  /** By name and by id; `null` for what did not exist then. */
  readonly #kept = new Map<string, Variable | null>();

  readonly #onRelease: () => void;

  constructor(state: PinnedState, revision: number, onRelease: () => void = () => undefined) {
    this.revision = revision;
    this.#onRelease = onRelease;
    this.#state = state;
    state.addPin(this);
  }

  get released(): boolean {
    return this.#released;
  }

  resolve(reference: string): Variable | undefined {
    const kept = this.#kept.get(reference);
    return kept === undefined ? this.#state?.resolve(reference)?.record : (kept ?? undefined);
  }

  /** In order of registration. */
  records(): Variable[] {
    const records = new Map<string, Variable>();
    for (const { id } of this.#state?.records() ?? []) {
      const record = this.resolve(id);
      if (record !== undefined) records.set(id, record);
    }
    for (const record of this.#kept.values()) if (record !== null) records.set(record.id, record);
    return [...records.values()].sort((a, b) => numberOf(a) - numberOf(b));
  }

  /** Called by the state before it replaces or removes a record. */
  keep(record: Variable): void {
    if (!this.#kept.has(record.id)) this.#kept.set(record.id, record);
    if (!this.#kept.has(record.name)) this.#kept.set(record.name, record);
  }

  /** Called by the state before it inserts a record. */
  keepAbsent({ id, name }: Variable): void {
    this.#kept.set(id, null);
    if (!this.#kept.has(name)) this.#kept.set(name, null);
  }

  /** Takes over everything from a state that will not be looked after any more. */
  detach(): void {
    const state = this.#state;
    if (state === undefined) return;
    for (const record of this.records()) this.keep(record);
    state.removePin(this);
    this.#state = undefined;
  }

  /** Lets go of everything; idempotent. */
  release(): void {
    this.#state?.removePin(this);
    this.#state = undefined;
    this.#released = true;
    this.#kept.clear();
    this.#onRelease();
  }
}

/** Ids end in the number of the registration. */
const numberOf = ({ id }: Variable): number => Number(id.slice(id.lastIndexOf('_') + 1));
