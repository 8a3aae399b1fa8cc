/** What is changed while the agent runs, and how both languages heard of it. */

import type { Clock, Runtime } from 'coilyard';
import { Triage } from './agent.js';
import type { TriageAgent } from './desk.js';
import { type Arrival, Witness } from './witness.js';

export interface Change {
  readonly variable: keyof typeof Triage.variables;
  readonly value: number | string;
  readonly by: 'TypeScript' | 'Python';
}

export const changes: readonly Change[] = [
  { variable: 'max_demos', value: 16, by: 'TypeScript' },
  { variable: 'max_demos', value: 48, by: 'TypeScript' },
  { variable: 'max_demos', value: 96, by: 'TypeScript' },
  { variable: 'temperature', value: 0, by: 'TypeScript' },
  { variable: 'strategy', value: 'ChainOfThought', by: 'TypeScript' },
  { variable: 'body_chars', value: 400, by: 'Python' },
];

/** A change that was made. */
export interface Made {
  readonly change: Change;
  readonly oldValue: unknown;
  readonly version: number;
  /** From the order to change until TypeScript heard the update. */
  readonly typescriptMs: number;
  /** The same for Python, and until Python's word of it was back here. */
  readonly pythonMs: number;
}

/** Changes an agent's variables from either language, watched by both. */
export class Tuner {
  readonly #runtime: Runtime;
  readonly #agent: TriageAgent;
  readonly #clock: Clock;
  readonly #typescript: Witness;
  readonly #python: Witness;

  private constructor(runtime: Runtime, agent: TriageAgent, clock: Clock) {
    const names = Object.keys(Triage.variables);
    const { session } = agent;
    this.#runtime = runtime;
    this.#agent = agent;
    this.#clock = clock;
    this.#typescript = new Witness('TypeScript', session.watch(names, { includeInitial: true }), clock);
    const followed = runtime.python.stream('follow', { names }, { session, pool: 'beside' });
    this.#python = new Witness('Python', followed, clock);
  }

  /** Resolves once both languages listen: they have heard the present values, so they will hear of every change. */
  static async start(runtime: Runtime, agent: TriageAgent, clock: Clock): Promise<Tuner> {
    const tuner = new Tuner(runtime, agent, clock);
    try {
      await tuner.#heardOf(agent.session.revision);
      return tuner;
    } catch (error) {
      await tuner.close();
      throw error;
    }
  }

  /** Resolves once both languages have heard of the change; rejects when they heard different things. */
  async make(change: Change): Promise<Made> {
    const { session } = this.#agent;
    const { variable, value, by } = change;
    const orderedAtMs = this.#clock.monotonicMs();
    if (by === 'TypeScript') await session.set(variable, value);
    else await this.#runtime.python.call('retune', { name: variable, value }, { session, pool: 'beside' });
    const { version, revision } = session.variable(variable);
    const [here, there] = await this.#heardOf(revision);
    if (!isSame(here, there)) throw new Error(`the two languages heard different things of revision ${revision}`);
    return {
      change,
      oldValue: here.heard.oldValue,
      version,
      typescriptMs: here.atMs - orderedAtMs,
      pythonMs: there.atMs - orderedAtMs,
    };
  }

  /** Stops watching. */
  async close(): Promise<void> {
    await Promise.all([this.#typescript.close(), this.#python.close()]);
  }

  #heardOf(revision: number): Promise<[Arrival, Arrival]> {
    return Promise.all([this.#typescript.heardOf(revision), this.#python.heardOf(revision)]);
  }
}

const isSame = ({ heard: one }: Arrival, { heard: other }: Arrival): boolean =>
  one.name === other.name &&
  one.oldValue === other.oldValue &&
  one.value === other.value &&
  one.version === other.version;
