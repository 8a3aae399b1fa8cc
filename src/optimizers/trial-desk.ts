/** The trials of a run that are under way: each client has one at a time, and each is settled once. */

import { CoilyardError, invalidArgument } from '../kernel/errors.js';

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

  begin(clientId: string, values: readonly unknown[], startedAtMs: number): RunningTrial {
    this.#begun += 1;
    const trial = { number: this.#begun, clientId, values, startedAtMs };
    this.#running.set(trial.number, trial);
    this.#byClient.set(clientId, trial);
    return trial;
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
    this.#byClient.delete(clientId);
    this.#settled.set(number, iteration);
    if (this.#settled.size <= REMEMBERED) return;
    for (const oldest of this.#settled.keys()) {
      this.#settled.delete(oldest);
      return;
    }
  }
}
