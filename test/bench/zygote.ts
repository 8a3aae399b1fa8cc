/**
 * What a warm start gains over a cold one, both in one run. Run with `npm run bench -- zygote`.
 *
 * Every worker has DSPy imported before it says hello. `PSS` counts a shared page for each process by its share.
 */

import { readFileSync } from 'node:fs';
import { setTimeout as sleep } from 'node:timers/promises';
import type { StartMode } from '../../src/workers/launcher.js';
import { type Runtime, startRuntime } from '../../src/runtime.js';

const MEGABYTE = 1024 * 1024;

async function withWorkers<T>(
  start: StartMode,
  size: number,
  imports: readonly string[],
  run: (runtime: Runtime) => Promise<T>,
): Promise<T> {
  const runtime = await startRuntime({
    python: { pools: { default: { size, start, imports, heartbeatIntervalMs: 10_000, startTimeoutMs: 600_000 } } },
  });
  runtime.events.on('zygote.bypassed', ({ reason }) => console.log(`started cold: ${reason}`));
  try {
    return await run(runtime);
  } finally {
    await runtime.stop({ timeoutMs: 60_000 });
  }
}

const ready = (runtime: Runtime): number[] =>
  runtime.python.workers().flatMap(({ phase, pid }) => (phase === 'ready' && pid !== null ? [pid] : []));

async function untilReady(runtime: Runtime, count: number): Promise<void> {
  while (ready(runtime).length < count) await sleep(1);
}

/** Proportional and private memory of processes, in bytes. */
function memoryOf(pids: readonly number[]): { readonly pss: number; readonly own: number } {
  let pss = 0;
  let own = 0;
  for (const pid of pids) {
    const rollup = readFileSync(`/proc/${pid}/smaps_rollup`, 'utf8');
    const field = (name: string): number =>
      Number(new RegExp(`^${name}:\\s+(\\d+)`, 'm').exec(rollup)?.[1] ?? 0) * 1024;
    pss += field('Pss');
    own += field('Private_Dirty') + field('Private_Clean');
  }
  return { pss: pss / pids.length, own: own / pids.length };
}

const median = (values: readonly number[]): number =>
  [...values].sort((a, b) => a - b)[Math.floor(values.length / 2)] ?? Number.NaN;

/** From SIGKILL until the next life of the same place has said hello; each place once, so that none has to wait. */
async function killToReady(start: StartMode, imports: readonly string[], size: number): Promise<number> {
  return withWorkers(start, size, imports, async (runtime) => {
    await runtime.python.start();
    await untilReady(runtime, size);
    const times: number[] = [];
    for (const pid of ready(runtime)) {
      await sleep(300);
      const startedAtMs = performance.now();
      const back = new Promise<void>((resolve) => {
        const off = runtime.events.on('worker.ready', () => {
          off();
          resolve();
        });
      });
      process.kill(pid, 'SIGKILL');
      await back;
      times.push(performance.now() - startedAtMs);
    }
    console.log(`  ${start}: ${times.map((ms) => ms.toFixed(0)).join(' ')} ms`);
    return median(times);
  });
}

interface Fleet {
  readonly ms: number;
  readonly pss: number;
  readonly own: number;
}

async function fleet(start: StartMode, size: number, imports: readonly string[]): Promise<Fleet> {
  return withWorkers(start, size, imports, async (runtime) => {
    const startedAtMs = performance.now();
    await runtime.python.start();
    await untilReady(runtime, size);
    const ms = performance.now() - startedAtMs;
    await sleep(500);
    return { ms, ...memoryOf(ready(runtime)) };
  });
}

const mb = (bytes: number): string => `${(bytes / MEGABYTE).toFixed(1)} MB`;

// DSPy loads LiteLLM when a language model is first called: a worker that has not done so pays for it in a call.
for (const imports of [['dspy'], ['dspy', 'litellm']]) {
  console.log(`kill -9 until ready again, with ${imports.join(' and ')} imported`);
  const warm = await killToReady('zygote', imports, 9);
  const cold = await killToReady('spawn', imports, 3);
  console.log(`  warm ${warm.toFixed(1)} ms, cold ${cold.toFixed(0)} ms: ${(cold / warm).toFixed(1)} times faster`);
}

for (const [imports, coldSize] of [
  [['dspy', 'numpy'], 32],
  [['dspy', 'numpy', 'litellm'], 8],
] as const) {
  const warm = await fleet('zygote', 32, imports);
  const cold = await fleet('spawn', coldSize, imports);
  console.log(
    `32 workers with ${imports.join(', ')} imported, the start of the zygote included; ${coldSize} cold ones`,
  );
  for (const [name, { ms, pss, own }] of Object.entries({ warm, cold }))
    console.log(`  ${name}: ready after ${ms.toFixed(0)} ms, ${mb(pss)} PSS and ${mb(own)} of its own for each`);
  const times = (cold.ms * 32) / coldSize / warm.ms;
  console.log(`  per worker: time 1/${times.toFixed(1)}, PSS 1/${(cold.pss / warm.pss).toFixed(1)}`);
}

const hundred = await fleet('zygote', 100, ['dspy', 'numpy']);
console.log(`100 workers: all ready after ${hundred.ms.toFixed(0)} ms, the start of the zygote included`);
process.exit(0);
