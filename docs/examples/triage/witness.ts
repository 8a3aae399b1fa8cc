/** Follows a session's variables in one language, and knows when it heard of what. */

import type { Clock } from 'coilyard';
import { within } from './patience.js';

/** What TypeScript's `session.watch` and Python's `follow` say of a change. */
export interface Heard {
  readonly name: string;
  readonly oldValue: unknown;
  readonly value: unknown;
  readonly version: number;
  readonly revision: number;
}

export interface Arrival {
  readonly heard: Heard;
  /** On the clock's monotonic time. */
  readonly atMs: number;
}

interface Expected {
  readonly arrival: Promise<Arrival>;
  readonly came: (arrival: Arrival) => void;
  readonly failed: (error: unknown) => void;
}

/** A change that is not heard of for so long is lost. */
const PATIENCE_MS = 10_000;

export class Witness {
  readonly #language: string;
  readonly #updates: AsyncIterator<unknown>;
  readonly #clock: Clock;
  /** By revision. */
  readonly #expected = new Map<number, Expected>();
  #ended: { readonly error: unknown } | undefined;

  /** Begins to listen. @param updates iterated to its end, or until `close`. */
  constructor(language: string, updates: AsyncIterator<unknown>, clock: Clock) {
    this.#language = language;
    this.#updates = updates;
    this.#clock = clock;
    this.#listen().then(
      () => this.#end(new Error(`${language} hears no more updates`)),
      (error: unknown) => this.#end(error),
    );
  }

  /** What was heard of the change that was committed at `revision`. Rejects when that does not come. */
  heardOf(revision: number): Promise<Arrival> {
    const what = `word of revision ${revision} in ${this.#language}`;
    return within(this.#clock, PATIENCE_MS, what, this.#at(revision).arrival);
  }

  /** Stops listening. */
  async close(): Promise<void> {
    await this.#updates.return?.();
  }

  async #listen(): Promise<void> {
    for (;;) {
      const { done, value } = await this.#updates.next();
      if (done === true) return;
      if (!isHeard(value)) throw new Error(`${this.#language} heard what is no update`);
      this.#at(value.revision).came({ heard: value, atMs: this.#clock.monotonicMs() });
    }
  }

  #at(revision: number): Expected {
    const known = this.#expected.get(revision);
    if (known !== undefined) return known;
    const expected = expect();
    if (this.#ended !== undefined) expected.failed(this.#ended.error);
    this.#expected.set(revision, expected);
    return expected;
  }

  #end(error: unknown): void {
    this.#ended = { error };
    for (const expected of this.#expected.values()) expected.failed(error);
  }
}

function expect(): Expected {
  let came: (arrival: Arrival) => void = () => {};
  let failed: (error: unknown) => void = () => {};
  const arrival = new Promise<Arrival>((resolve, reject) => {
    came = resolve;
    failed = reject;
  });
  // It may fail before anyone waits for it.
  arrival.catch(() => {});
  return { arrival, came, failed };
}

function isHeard(value: unknown): value is Heard {
  return (
    typeof value === 'object' &&
    value !== null &&
    typeof Reflect.get(value, 'name') === 'string' &&
    Number.isInteger(Reflect.get(value, 'version')) &&
    Number.isInteger(Reflect.get(value, 'revision')) &&
    'oldValue' in value &&
    'value' in value
  );
}
