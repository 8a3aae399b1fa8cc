/** Studies with everything around them in the test's hands: time, the session's store and lives, what optimizers suggest. */

import { expect } from 'vitest';
import { type DynamicSupervisor, startDynamicSupervisor } from '../../../supervisors/index.js';
import { systemRandom } from '../../../src/kernel/clock.js';
import { CoilyardError } from '../../../src/kernel/errors.js';
import type { Process } from '../../../src/kernel/process.js';
import type {
  Optimizer,
  OptimizerFactory,
  Suggestion,
  TrialResult,
} from '../../../src/optimizers/algorithms/optimizer.js';
import type { Trial } from '../../../src/optimizers/handle.js';
import type { OptimizationRun } from '../../../src/optimizers/optimization-run.js';
import { type OptimizeOptions, Optimizers } from '../../../src/optimizers/optimizers.js';
import { Studies } from '../../../src/optimizers/studies.js';
import type { SessionHandle, Watcher, WatchOptions } from '../../../src/sessions/handle.js';
import type { SessionStore } from '../../../src/sessions/store.js';
import { settle } from '../../../src/testing/manual-clock.js';
import type { ToolsPort } from '../../../src/workers/python-port.js';
import { aHost } from '../sessions/harness.js';

/** Suggests 1, 2, 3, … for every variable, up to a last one, and remembers what it was told. */
export class Counting implements Optimizer {
  readonly told: (readonly [value: unknown, score: number | null])[] = [];
  asked = 0;
  #next = 0;
  readonly #last: number;
  readonly #variables: number;

  constructor(last = Number.POSITIVE_INFINITY, variables = 1) {
    this.#last = last;
    this.#variables = variables;
  }

  ask(): Suggestion {
    this.asked += 1;
    if (this.#next >= this.#last) return { type: 'done' };
    this.#next += 1;
    return { type: 'candidate', values: Array.from({ length: this.#variables }, () => this.#next) };
  }

  tell([value]: readonly unknown[], result: TrialResult): void {
    this.told.push([value, result.state === 'complete' ? result.score : null]);
  }
}

export interface HouseOptions {
  readonly store?: SessionStore;
  readonly tools?: ToolsPort;
}

/** A session `a` with the floats `x` and `y`, 0 of 0 to 1000, and the studies that may optimize them. */
export async function aHouse({ store, tools }: HouseOptions = {}) {
  const host = aHost(store === undefined ? {} : { store });
  const { clock, sessions } = host;
  const session = await sessions.start({ id: 'a' });
  await session.registerMany(
    ['x', 'y'].map((name) => ({ name, type: 'float', initialValue: 0, constraints: { min: 0, max: 1000 } })),
  );
  const tree = await startDynamicSupervisor({ label: 'optimizers', clock, random: systemRandom });
  const processes: Process[] = [];
  const watching = new Set<Watcher>();
  /** The session as the studies have it, which counts the watches that they keep open. */
  const counted = (handle: SessionHandle): SessionHandle =>
    new Proxy(handle, {
      get: (target, name) => {
        if (name === 'openWatch') return openWatch;
        const value: unknown = Reflect.get(target, name, target);
        return typeof value === 'function' ? value.bind(target) : value;
      },
    });
  const openWatch = (options: WatchOptions): Watcher => {
    const watcher = session.openWatch(options);
    watching.add(watcher);
    const close = watcher.close.bind(watcher);
    watcher.close = () => {
      watching.delete(watcher);
      close();
    };
    return watcher;
  };
  const studiesOver = (supervisor: DynamicSupervisor): Studies =>
    new Studies({
      sessions: {
        find: async (id) => {
          const found = await sessions.find(id);
          return id === session.id ? counted(found) : found;
        },
      },
      tools: () => {
        if (tools === undefined) throw new Error('there are no tools');
        return tools;
      },
      clock,
      random: systemRandom,
      adopt: async (id, start) => {
        const child = await supervisor.startChild({ id, restart: 'temporary', start });
        if (child !== 'ignore') processes.push(child);
      },
    });
  const studies = studiesOver(tree);
  const optimizers = new Optimizers(studies);
  let named = 0;
  const register = (make: OptimizerFactory): string => {
    named += 1;
    optimizers.register(`own-${named}`, make);
    return `own-${named}`;
  };
  return {
    ...host,
    session,
    studies,
    optimizers,
    /** The processes of studies, in the order in which they were started. */
    processes,
    tree,
    /** Studies of another runtime that the same sessions would have after a restart. */
    anotherRuntime: () => studiesOver(tree),
    register,
    /** Starts a run over `x` with an optimizer of the test's. */
    start: (
      optimizer: Optimizer,
      { on = 'x', ...options }: Partial<OptimizeOptions> & { readonly on?: string | readonly string[] } = {},
    ): Promise<OptimizationRun> =>
      optimizers.start(session, on, {
        optimizer: register(() => optimizer),
        convergenceThreshold: 0,
        maxIterations: 5,
        ...options,
      }),
    /** Ends the studies' supervisor, as a runtime does that is stopped. */
    stopAll: async () => {
      studies.close();
      return tree.stop({ type: 'shutdown' });
    },
    /** What is left behind when nothing is going on. */
    leftovers: async () => {
      await settle();
      return {
        timers: clock.pendingTimers,
        children: tree.alive ? tree.tree().children?.length : 0,
        watches: watching.size,
      };
    },
  };
}

export type House = Awaited<ReturnType<typeof aHouse>>;

export const nothing = { timers: 0, children: 0, watches: 0 };

/** The value of a trial over one variable. */
export const tried = ({ values }: Trial): unknown => values[0]?.value;

/** The next trial, which there must be. */
export async function nextTrial(run: OptimizationRun, clientId?: string): Promise<Trial> {
  const trial = await run.ask(clientId);
  if (trial === undefined) throw new Error('there is no trial any more');
  return trial;
}

/** What all trials of a run came to: `iteration value score`. */
export async function story(run: OptimizationRun): Promise<string[]> {
  const lines: string[] = [];
  for await (const { iteration, values, score } of run.trials())
    lines.push(`${iteration} ${values[0]?.value} ${score}`);
  return lines;
}

/** A promise's fate so far. */
export async function stateOf(promise: Promise<unknown>): Promise<'pending' | 'resolved' | string> {
  let state = 'pending';
  promise.then(
    () => {
      state = 'resolved';
    },
    (error: unknown) => {
      state = error instanceof CoilyardError ? error.code : `foreign: ${String(error)}`;
    },
  );
  await settle();
  await settle();
  return state;
}

/** Whether everything that a run held is free: another one may have it. */
export async function expectFree(house: House, ...variables: string[]): Promise<void> {
  for (const variable of variables.length > 0 ? variables : ['x']) {
    const next = await house.start(new Counting(), { on: variable, maxIterations: 1, objective: () => 0 });
    expect(await next.ended).toMatchObject({ reason: 'max_iterations' });
  }
}
