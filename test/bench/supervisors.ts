/**
 * What supervision costs, in ratios to baselines of the same run. Run with `npm run bench -- supervisors`.
 *
 * Baselines: a queue that answers through a bare awaited promise, and the same work with 1,000 children. Erlang on a machine
 * of this kind, measured once, for orientation: call 0.69 M/s with a timeout and 1.16 M/s without, start 161 k/s, stop of
 * 100,000 children 1.32 s, restart to the first answer 16.7 µs, 2.86 kB per idle process.
 */

import {
  type DynamicSupervisor,
  exitReason,
  type From,
  IGNORE,
  type Process,
  type Server,
  spawn,
  spawnServer,
  startDynamicSupervisor,
  startSupervisor,
} from '../../supervisors/index.js';
import { perSecond, row } from './measure.js';

const MANY = 100_000;
const FEW = 1000;

const counter = (parent?: Process): Promise<Server<number, string, number>> =>
  spawnServer({
    ...(parent === undefined ? {} : { parent }),
    init: () => ({ state: 0 }),
    handleCall: (_message: string, _from: From<number>, count: number) => ({ reply: count + 1, state: count + 1 }),
  });

/** The least that can answer a question in its turn: a queue, a microtask, a promise. */
class BareQueue {
  #waiting: ((count: number) => void)[] = [];
  #count = 0;

  ask(): Promise<number> {
    return new Promise((resolve) => {
      if (this.#waiting.push(resolve) === 1) queueMicrotask(() => this.#drain());
    });
  }

  #drain(): void {
    const waiting = this.#waiting;
    this.#waiting = [];
    for (const resolve of waiting) {
      this.#count += 1;
      resolve(this.#count);
    }
  }
}

async function calls(): Promise<void> {
  const queue = new BareQueue();
  const server = await counter();
  const oneByOne = (ask: () => Promise<unknown>) => async (count: number) => {
    for (let index = 0; index < count; index += 1) await ask();
  };
  const hundredAtATime = (ask: () => Promise<unknown>) => async (count: number) => {
    for (let done = 0; done < count; done += 100) await Promise.all(Array.from({ length: 100 }, ask));
  };
  for (const [name, load] of [
    ['one by one', oneByOne],
    ['100 in flight', hundredAtATime],
  ] as const) {
    const baseline = {
      name: 'the bare queue',
      rate: await perSecond(
        300_000,
        load(() => queue.ask()),
      ),
    };
    row(`bare promise queue, ${name}`, baseline.rate);
    row(
      `server call, ${name}, default timeout`,
      await perSecond(
        300_000,
        load(() => server.call('x')),
      ),
      baseline,
    );
    const forEver = { timeoutMs: Number.POSITIVE_INFINITY };
    row(
      `server call, ${name}, no timeout`,
      await perSecond(
        300_000,
        load(() => server.call('x', forEver)),
      ),
      baseline,
    );
  }
  await server.stop();
}

type Spec = Parameters<DynamicSupervisor['startChild']>[0];

/** Starts supervisors with this many children each, one after another, then stops them; microseconds per child. */
async function startAndStop(supervisors: number, children: number, spec: Spec): Promise<[start: number, stop: number]> {
  const all: DynamicSupervisor[] = [];
  const startedAtMs = performance.now();
  for (let index = 0; index < supervisors; index += 1) {
    const supervisor = await startDynamicSupervisor();
    all.push(supervisor);
    for (let child = 0; child < children; child += 1) await supervisor.startChild(spec);
  }
  const runningAtMs = performance.now();
  for (const supervisor of all) await supervisor.stop();
  const total = supervisors * children;
  return [((runningAtMs - startedAtMs) * 1000) / total, ((performance.now() - runningAtMs) * 1000) / total];
}

/** Medians over some rounds, the shapes taken in turns so that all see the same machine. */
async function scaling(): Promise<void> {
  // As many processes live in the first two: what differs is the number of siblings. The third fits into the caches.
  const shapes = [
    ['100,000 under one supervisor', 1, MANY],
    ['100 supervisors with 1,000 each', MANY / FEW, FEW],
    ['1,000 under one supervisor', 1, FEW],
  ] as const;
  for (const trapExit of [false, true]) {
    const spec: Spec = { start: (self) => spawn({ parent: self, trapExit, init: () => {} }) };
    const rounds = new Map<string, [start: number, stop: number][]>(shapes.map(([name]) => [name, []]));
    for (let round = 0; round < 6; round += 1) {
      for (const [name, supervisors, children] of shapes) {
        globalThis.gc?.();
        const spent = await startAndStop(supervisors, children, spec);
        // The first round warms up.
        if (round > 0) rounds.get(name)?.push(spent);
      }
    }
    const medianOf = (name: string, which: 0 | 1): number =>
      (rounds.get(name) ?? []).map((spent) => spent[which]).sort((a, b) => a - b)[2] ?? Number.NaN;
    for (const [verb, which] of [
      ['start', 0],
      ['stop', 1],
    ] as const) {
      const [one, many, few] = shapes.map(([name]) => medianOf(name, which));
      console.log(
        `${verb} of a child that ${trapExit ? 'traps exits' : 'does not trap'}: ` +
          `100,000 siblings ${one?.toFixed(2)} µs, 1,000 siblings ${many?.toFixed(2)} µs ` +
          `(ratio ${((one ?? 0) / (many ?? 1)).toFixed(2)}), 1,000 alone ${few?.toFixed(2)} µs`,
      );
    }
  }
}

/** Kill → the replacement answers a call. */
async function restarts(): Promise<void> {
  let restarted = (_server: Server<number, string, number>): void => {};
  const supervisor = await startSupervisor({
    maxRestarts: Number.MAX_SAFE_INTEGER,
    children: [
      {
        id: 'counter',
        start: async (self) => {
          const server = await counter(self);
          restarted(server);
          return server;
        },
      },
    ],
  });
  const rate = await perSecond(50_000, async (count) => {
    for (let index = 0; index < count; index += 1) {
      const successor = new Promise<Server<number, string, number>>((resolve) => {
        restarted = resolve;
      });
      const [child] = await supervisor.whichChildren();
      if (typeof child?.process === 'object') child.process.exit(exitReason.killed);
      await (await successor).call('x');
    }
  });
  row('kill → replacement has answered', rate);
  console.log(`${''.padEnd(4)}${(1e6 / rate).toFixed(1)} µs each`);
  await supervisor.stop();
}

/** Heap per idle server under a dynamic supervisor. */
async function memory(): Promise<void> {
  if (globalThis.gc === undefined) {
    console.log('memory: run node with --expose-gc to see it');
    return;
  }
  const supervisor = await startDynamicSupervisor();
  const options = { init: () => ({ state: undefined }), handleCall: () => ({ reply: 1, state: undefined }) };
  const spec = { start: (self: Process) => spawnServer({ parent: self, ...options }) };
  globalThis.gc();
  const before = process.memoryUsage().heapUsed;
  const children: unknown[] = [];
  for (let index = 0; index < MANY; index += 1) {
    const child = await supervisor.startChild(spec);
    if (child !== IGNORE) children.push(child);
  }
  globalThis.gc();
  const perChild = (process.memoryUsage().heapUsed - before) / children.length;
  console.log(`heap per idle supervised server: ${perChild.toFixed(0)} bytes (Erlang: 2,860 per idle process)`);
  await supervisor.stop();
}

await calls();
await scaling();
await restarts();
await memory();
