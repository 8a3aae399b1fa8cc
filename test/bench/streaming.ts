/**
 * 10,000 chunks of a Python generator: the memory of both processes while a slow consumer reads them, and the rate at
 * which a fast one gets them, against a bare stream on which a Python process pushes as many messages of the same size. Run
 * with `npm run bench -- streaming`.
 */

import { readFileSync } from 'node:fs';
import { setTimeout as sleep } from 'node:timers/promises';
import { startRuntime } from '../../src/runtime.js';
import { PYTHON_TOOLS, startBareStream } from '../support/bare-peer.js';
import { row } from './measure.js';

const CHUNKS = 10_000;
const LARGE_BYTES = 10_000;
const SIZES = [40, LARGE_BYTES];
const ROUNDS = 5;
/** The slow consumer rests for a millisecond after so many chunks. */
const AT_ONCE = 5;
const MEGABYTE = 1024 * 1024;

const { stream, pid: barePid } = await startBareStream('push');
const runtime = await startRuntime({
  python: { pools: { default: { size: 1, imports: ['bench_tools'], paths: [PYTHON_TOOLS] } } },
});
await runtime.python.start();
const workerPid = runtime.python.workers()[0]?.pid ?? 0;

async function readFast(tool: string, size: number): Promise<void> {
  let count = 0;
  for await (const _ of runtime.python.stream(tool, { count: CHUNKS, size })) count += 1;
  if (count !== CHUNKS) throw new TypeError(`${count} chunks of ${CHUNKS}`);
}

function takePushed(size: number): Promise<void> {
  return new Promise((resolve) => {
    let left = CHUNKS;
    const take = (): void => {
      left -= 1;
      if (left > 0) return;
      stream.off('data', take);
      resolve();
    };
    stream.on('data', take);
    stream.write(Buffer.from(`${CHUNKS} ${size}`));
  });
}

/** Per second, once. */
async function rateOf(run: () => Promise<void>): Promise<number> {
  const startedAtMs = performance.now();
  await run();
  return (CHUNKS * 1000) / (performance.now() - startedAtMs);
}

async function compareRates(size: number): Promise<void> {
  const runs = {
    bare: () => takePushed(size),
    generator: () => readFast('push', size),
    'plain generator, in a thread': () => readFast('push_from_thread', size),
  };
  const best = new Map<string, number>();
  for (let round = 0; round <= ROUNDS; round += 1)
    for (const [name, run] of Object.entries(runs)) {
      const rate = await rateOf(run);
      // The first round warms up. Of the others the best counts: what else the machine does can only make one worse.
      if (round > 0) best.set(name, Math.max(rate, best.get(name) ?? 0));
    }
  const baseline = { name: 'the bare push', rate: best.get('bare') ?? Number.NaN };
  for (const [name, rate] of best)
    row(`${name}, ${CHUNKS} of ${size} bytes`, rate, name === 'bare' ? undefined : baseline);
}

interface Memory {
  readonly rss: number;
  readonly heap: number;
  readonly worker: number;
}

const residentOf = (pid: number): number => Number(readFileSync(`/proc/${pid}/statm`, 'utf8').split(' ')[1]) * 4096;

function memory(): Memory {
  globalThis.gc?.();
  return { rss: process.memoryUsage.rss(), heap: process.memoryUsage().heapUsed, worker: residentOf(workerPid) };
}

const most = (a: Memory, b: Memory): Memory => ({
  rss: Math.max(a.rss, b.rss),
  heap: Math.max(a.heap, b.heap),
  worker: Math.max(a.worker, b.worker),
});

function tell(when: string, { rss, heap, worker }: Memory): void {
  const mb = (bytes: number): string => `${(bytes / MEGABYTE).toFixed(1)} MB`;
  console.log(`  ${when.padEnd(7)} resident ${mb(rss)}, heap ${mb(heap)}, worker resident ${mb(worker)}`);
}

async function readSlowly(tool: string): Promise<void> {
  await readFast(tool, LARGE_BYTES);
  const before = memory();
  let during = before;
  let count = 0;
  for await (const _ of runtime.python.stream(tool, { count: CHUNKS, size: LARGE_BYTES })) {
    count += 1;
    if (count % AT_ONCE === 0) await sleep(1);
    if (count % 500 === 0) during = most(during, memory());
  }
  console.log(`${tool}: ${CHUNKS} chunks of ${LARGE_BYTES} bytes, ${(CHUNKS * LARGE_BYTES) / 1e6} MB, read slowly`);
  tell('before', before);
  tell('most', during);
  tell('after', memory());
}

for (const tool of ['push', 'push_from_thread']) await readSlowly(tool);
for (const size of SIZES) await compareRates(size);
process.kill(barePid, 'SIGKILL');
await runtime.stop();
process.exit(0);
