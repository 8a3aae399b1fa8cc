/** The trials of a run that are under way: each client has one at a time, and each is settled once. */

import { CoilyardError, invalidArgument } from '../kernel/errors.js';
import { keepLatest } from '../kernel/keep-latest.js';

export interface RunningTrial {
  readonly number: number;
  readonly clientId: string;
  /** As the variables would keep them, in the order of the run. */
  readonly values: readonly unknown[];
  /** Epoch milliseconds. */
  readonly startedAtMs: number;
}

/** How many settled trials are remembered for whoever tells the same again. */
const REMEMBERED = 1000;

export class TrialDesk {
  readonly #running = new Map<number, RunningTrial>();
  readonly #byClient = new Map<string, RunningTrial>();
  /** When the client of a running trial was last heard of, by its number. */
  readonly #heard = new Map<number, number>();
  /** Number → iteration, oldest first. */
  readonly #settled = new Map<number, number>();
  #begun = 0;

  get size(): number {
    return this.#running.size;
  }

  /** What a client has in hand. */
  of(clientId: string): RunningTrial | undefined {
    return this.#byClient.get(clientId);
  }

  /** @param heardAtMs of a monotonic clock. */
  begin(clientId: string, values: readonly unknown[], startedAtMs: number, heardAtMs: number): RunningTrial {
    this.#begun += 1;
    const trial = { number: this.#begun, clientId, values, startedAtMs };
    this.#heard.set(trial.number, heardAtMs);
    this.#running.set(trial.number, trial);
    this.#byClient.set(clientId, trial);
    return trial;
  }

  /** A client is still there, and with it those whose ids are its own with something behind a hyphen. */
  hear(clientId: string, atMs: number): void {
    for (const { number, clientId: holder } of this.#running.values())
      if (holder === clientId || holder.startsWith(`${clientId}-`)) this.#heard.set(number, atMs);
  }

  /** Trials whose clients were not heard of since then. */
  silentSince(atMs: number): readonly RunningTrial[] {
    return [...this.#running.values()].filter(({ number }) => (this.#heard.get(number) ?? atMs) <= atMs);
  }

  /** The trial that a client tells about, or the iteration as which it was settled before. */
  claim(number: number, clientId: string): RunningTrial | { readonly settledAs: number } {
    const trial = this.#running.get(number);
    if (trial?.clientId === clientId) return trial;
    if (trial !== undefined) throw invalidArgument('number', 'a trial of this client', number);
    const settledAs = this.#settled.get(number);
    if (settledAs !== undefined) return { settledAs };
    if (number >= 1 && number <= this.#begun)
      throw new CoilyardError('invalid_argument', `number: trial ${number} has ended long ago`, {
        details: { field: 'number', actual: number },
      });
    throw invalidArgument('number', 'a trial that has begun', number);
  }

  settle({ number, clientId }: RunningTrial, iteration: number): void {
    this.#running.delete(number);
    this.#heard.delete(number);
    this.#byClient.delete(clientId);
    this.#settled.set(number, iteration);
    keepLatest(this.#settled, REMEMBERED);
  }
}
