import { readdirSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { expect, test } from 'vitest';
import { CoilyardError } from '../../src/kernel/errors.js';
import { eventually, isRunning, parentOf } from '../support/processes.js';
import { aPythonRuntime } from '../support/python-runtime.js';

const openDescriptors = (): number => readdirSync('/proc/self/fd').length;

test.skipIf(process.platform !== 'linux')(
  'zygotes that are killed, stopped or bereft of their guardian under load: every call ends once, and nothing leaks',
  async () => {
    const CALLS = 40;
    const before = openDescriptors();
    const seen = new Set<number>();
    {
      await using house = await aPythonRuntime({
        size: 3,
        concurrency: 4,
        start: 'zygote',
        // The workers that die here do not die of a call.
        poisonAfter: 1_000,
        paths: [join(process.cwd(), 'test', 'support', 'python')],
      });
      let [guardian, zygote] = [0, 0];
      house.runtime.events.on('zygote.started', ({ pid }) => {
        guardian = pid ?? 0;
      });
      const endings: string[] = [];
      const one = async (n: number): Promise<void> => {
        await house.python
          .call('wait', { seconds: 0.02 + (n % 5) / 50 }, { idempotent: n % 2 === 0, timeoutMs: 120_000 })
          .then(
            () => endings.push('ok'),
            (error: unknown) => endings.push(error instanceof CoilyardError ? error.code : 'foreign'),
          );
      };
      const kills: readonly (() => void)[] = [
        () => process.kill(zygote, 'SIGKILL'),
        () => process.kill(guardian, 'SIGKILL'),
        () => process.kill(zygote, 'SIGSEGV'),
        () => {
          process.kill(zygote, 'SIGSTOP');
          process.kill(house.pids[0] ?? 0, 'SIGKILL');
        },
      ];
      for (const kill of kills) {
        await house.ready(3);
        const { pids } = house;
        for (const pid of pids) seen.add(pid);
        zygote = parentOf(house.pids[0] ?? 0);
        seen.add(zygote).add(guardian);
        const calls = Array.from({ length: CALLS }, (_, n) => one(n));
        await sleep(30);
        kill();
        await Promise.all(calls);
        await eventually(() => !isRunning(zygote), 'that zygote is gone');
        await house.missed(pids);
      }
      await house.ready(3);
      for (const pid of house.pids) seen.add(pid);
      expect(endings).toHaveLength(kills.length * CALLS);
      for (const ending of endings) expect(['ok', 'worker_lost', 'pool_unavailable']).toContain(ending);
    }
    await eventually(() => ![...seen].some(isRunning), 'no process is left');
    await eventually(() => openDescriptors() <= before, `no more than ${before} descriptors are open`);
  },
);
