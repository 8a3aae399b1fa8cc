/**
 * A call from Node to Python and back through `runtime.python.call`, against a bare stream echo: grpc-js on one side, a
 * Python grpc.aio client that dials in on the other. Workers attach over a local socket, as by default, and once over gRPC.
 * Each has processes of its own and they take turns, so that whatever else the machine does falls on all. Run with
 * `npm run bench -- dispatch`.
 */

import { fork } from 'node:child_process';
import { once } from 'node:events';
import { readdirSync, readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { startRuntime } from '../../src/runtime.js';
import { PYTHON_TOOLS, startBareStream } from '../support/bare-peer.js';
import { row } from './measure.js';

const IN_FLIGHT = 64;
/** One process is luckier than the next with its code and its memory: a few of each are asked. */
const HOSTS = 3;
const ROUNDS = 5;
const CALLS = 6400;
const CALLS_ONE_BY_ONE = 600;
/** Of the text that is echoed; with its envelope a call then has about the size of the bare message. */
const TEXT_LENGTH = 32;
const BARE_BYTES = 64;

interface Echo {
  readonly ask: () => Promise<unknown>;
  /** Of the Python process. */
  readonly pid: number;
}

interface Round {
  /** Calls per second with 64 in flight. */
  readonly rate: number;
  /** Of calls that were made one by one. */
  readonly p50Ms: number;
  readonly p99Ms: number;
  /** Processor time of each of these, all threads. */
  readonly nodeUs: number;
  readonly pythonUs: number;
}

const hosts = {
  bare: async (): Promise<Echo> => {
    const { stream, pid } = await startBareStream('echo');
    const message = Buffer.alloc(BARE_BYTES, 1);
    const waiting: ((answer: Buffer) => void)[] = [];
    let answered = 0;
    stream.on('data', (answer: Buffer) => {
      waiting[answered]?.(answer);
      answered += 1;
      if (answered === waiting.length) answered = waiting.length = 0;
    });
    const ask = (): Promise<unknown> =>
      new Promise((resolve) => {
        waiting.push(resolve);
        stream.write(message);
      });
    return { ask, pid };
  },
  coilyard: () => serveTool('echo'),
  'in a thread': () => serveTool('echo_in_thread'),
  'over gRPC': () => serveTool('echo', 'grpc'),
} as const satisfies Record<string, () => Promise<Echo>>;

type Host = keyof typeof hosts;

async function serveTool(tool: string, carrier: 'local' | 'grpc' = 'local'): Promise<Echo> {
  const runtime = await startRuntime({
    python: {
      carrier,
      pools: { default: { size: 1, concurrency: IN_FLIGHT, imports: ['bench_tools'], paths: [PYTHON_TOOLS] } },
    },
  });
  await runtime.python.start();
  const value = 'x'.repeat(TEXT_LENGTH);
  const pid = runtime.python.workers()[0]?.pid ?? 0;
  return { ask: () => runtime.python.call(tool, { value }), pid };
}

function nodeUsed(): number {
  const { user, system } = process.cpuUsage();
  return user + system;
}

/** By all threads of another process, in microseconds. */
const usedBy = (pid: number): number =>
  readdirSync(`/proc/${pid}/task`)
    .map((thread) => Number(readFileSync(`/proc/${pid}/task/${thread}/schedstat`, 'utf8').split(' ')[0]) / 1000)
    .reduce((sum, us) => sum + us, 0);

async function round({ ask, pid }: Echo): Promise<Round> {
  const startedAtMs = performance.now();
  const lane = async (): Promise<void> => {
    for (let n = 0; n < CALLS / IN_FLIGHT; n += 1) await ask();
  };
  await Promise.all(Array.from({ length: IN_FLIGHT }, lane));
  const rate = (CALLS * 1000) / (performance.now() - startedAtMs);
  const tookMs: number[] = [];
  const [nodeBefore, pythonBefore] = [nodeUsed(), usedBy(pid)];
  for (let n = 0; n < CALLS_ONE_BY_ONE; n += 1) {
    const askedAtMs = performance.now();
    await ask();
    tookMs.push(performance.now() - askedAtMs);
  }
  const nodeUs = (nodeUsed() - nodeBefore) / CALLS_ONE_BY_ONE;
  const pythonUs = (usedBy(pid) - pythonBefore) / CALLS_ONE_BY_ONE;
  tookMs.sort((a, b) => a - b);
  const quantile = (share: number): number => tookMs[Math.floor(tookMs.length * share)] ?? Number.NaN;
  return { rate, p50Ms: quantile(0.5), p99Ms: quantile(0.99), nodeUs, pythonUs };
}

interface Hosted {
  readonly round: () => Promise<Round>;
  readonly close: () => Promise<unknown>;
}

async function host(name: Host): Promise<Hosted> {
  const child = fork(fileURLToPath(import.meta.url), [name]);
  await once(child, 'message');
  return {
    round: async () => {
      child.send('round');
      const [found] = await once(child, 'message');
      return found;
    },
    close: () => {
      const exited = once(child, 'exit');
      child.disconnect();
      return exited;
    },
  };
}

async function measure(names: readonly Host[]): Promise<void> {
  const rounds = new Map<Host, Round[]>(names.map((name) => [name, []]));
  for (let n = 0; n < HOSTS; n += 1) {
    const hosted = new Map<Host, Hosted>();
    for (const name of names) hosted.set(name, await host(name));
    for (const each of [...hosted.values(), ...hosted.values()]) await each.round();
    for (let turn = 0; turn < ROUNDS; turn += 1)
      for (const [name, each] of hosted) rounds.get(name)?.push(await each.round());
    for (const each of hosted.values()) await each.close();
  }
  /** The best round: what else the machine does can only make a round worse. */
  const best = (name: Host): Round => {
    const found = rounds.get(name) ?? [];
    const least = (of: (round: Round) => number): number => Math.min(...found.map(of));
    return {
      rate: Math.max(...found.map(({ rate }) => rate)),
      p50Ms: least(({ p50Ms }) => p50Ms),
      p99Ms: least(({ p99Ms }) => p99Ms),
      nodeUs: least(({ nodeUs }) => nodeUs),
      pythonUs: least(({ pythonUs }) => pythonUs),
    };
  };
  const bare = best('bare');
  for (const name of names) {
    const { rate, p50Ms, p99Ms, nodeUs, pythonUs } = best(name);
    const baseline = { name: 'the bare echo (to reach: 0.85)', rate: bare.rate };
    row(`${name}, ${IN_FLIGHT} in flight`, rate, name === 'bare' ? undefined : baseline);
    const ratio = name === 'bare' ? '' : `: ${(bare.p50Ms / p50Ms).toFixed(3)} of the bare echo's rate`;
    console.log(`${name}, one by one: p50 ${p50Ms.toFixed(3)} ms, p99 ${p99Ms.toFixed(3)} ms${ratio}`);
    console.log(`  processor time for each: Node ${nodeUs.toFixed(0)} us, Python ${pythonUs.toFixed(0)} us`);
  }
}

const isHost = (name: string | undefined): name is Host => name !== undefined && Object.hasOwn(hosts, name);

const name = process.argv[2];
if (isHost(name)) {
  const echo = await hosts[name]();
  process.on('message', async () => process.send?.(await round(echo)));
  process.on('disconnect', () => process.exit());
  process.send?.('ready');
} else await measure(['bare', 'coilyard', 'in a thread', 'over gRPC']);
