import { spawn } from 'node:child_process';
import { mkdtempSync, readdirSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { afterAll, expect, test } from 'vitest';
import { CoilyardError } from '../../src/kernel/errors.js';
import { eventually, isRunning } from '../support/processes.js';
import { aPythonRuntime } from '../support/python-runtime.js';

const root = mkdtempSync(join(tmpdir(), 'coilyard-kill-'));
afterAll(() => rmSync(root, { recursive: true }));

const openDescriptors = (): number => readdirSync('/proc/self/fd').length;

test('kill -9 of Node leaves no Python behind, busy or not', async () => {
  const node = spawn(
    process.execPath,
    ['--import', './test/support/run-typescript.mjs', './test/support/serve-until-killed.ts'],
    { stdio: ['ignore', 'pipe', 'inherit'] },
  );
  let printed = '';
  node.stdout.setEncoding('utf8').on('data', (text: string) => {
    printed += text;
  });
  await eventually(() => /pids .*\n/.test(printed), 'the workers are ready');
  const pids = [...printed.matchAll(/\d+/g)].map(Number);
  expect(pids).toHaveLength(3);
  expect(pids.every(isRunning)).toBe(true);
  node.kill('SIGKILL');
  await eventually(() => !pids.some(isRunning), 'no worker is left');
});

test('workers that are killed again and again under load: every call ends once, and nothing leaks', async () => {
  const CYCLES = 8;
  const CALLS = 60;
  const CONCURRENCY = 4;
  const before = openDescriptors();
  const seen = new Set<number>();
  {
    // The workers that die here do not die of a call.
    await using house = await aPythonRuntime({ size: 3, concurrency: CONCURRENCY, poisonAfter: 1_000 });
    await house.ready(3);
    const endings = new Map<string, number>();
    let settled = 0;
    const one = async (n: number, until: string): Promise<void> => {
      const idempotent = n % 2 === 0;
      const ending = await house.python
        .call('wait', { seconds: 0.02 + (n % 7) / 50 }, { idempotent, timeoutMs: 120_000 })
        .then(() => house.python.call('hold', { until }, { idempotent, timeoutMs: 120_000 }))
        .then(
          () => 'ok',
          (error: unknown) => (error instanceof CoilyardError ? `${error.code}/${error.execution}` : 'foreign'),
        );
      settled += 1;
      endings.set(ending, (endings.get(ending) ?? 0) + 1);
    };
    for (let cycle = 0; cycle < CYCLES; cycle += 1) {
      const until = join(root, `${cycle}`);
      const calls = Array.from({ length: CALLS }, (_, n) => one(n, until));
      await sleep(30);
      const isBusy = (): boolean => house.python.workers().every(({ load }) => load === CONCURRENCY);
      await eventually(isBusy, 'every worker has its hands full');
      const killed = house.pids.slice(0, 2);
      for (const pid of killed) {
        seen.add(pid);
        process.kill(pid, cycle % 2 === 0 ? 'SIGKILL' : 'SIGSEGV');
      }
      writeFileSync(until, '');
      await Promise.all(calls);
      await house.missed(killed);
      await eventually(() => house.pids.length === 3, 'the pool is whole again');
    }
    expect(settled).toBe(CYCLES * CALLS);
    // A call ends well, or may have been executed; nothing else.
    expect([...endings.keys()].sort()).toEqual(['ok', 'worker_lost/unknown']);
    for (const pid of house.pids) seen.add(pid);
  }
  await eventually(() => ![...seen].some(isRunning), 'no worker is left');
  await eventually(() => openDescriptors() <= before, `no more than ${before} descriptors are open`);
});
