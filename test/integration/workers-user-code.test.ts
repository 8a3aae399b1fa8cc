import { expect, test } from 'vitest';
import { aPythonRuntime } from '../support/python-runtime.js';

test.each(['zygote', 'spawn'] as const)(
  'what a tool forks has its own signals: ending it does not drain its worker (%s)',
  async (start) => {
    await using house = await aPythonRuntime({ imports: ['rude_tools'], start });
    const [pid] = await house.ready(1);
    for (let round = 0; round < 3; round += 1)
      await expect(house.python.call('square_in_processes', { numbers: [1, 2, 3] })).resolves.toEqual({
        squares: [1, 4, 9],
        ended_by: 15,
      });
    await expect(house.python.call('pid')).resolves.toBe(pid);
    expect(house.python.workers()).toMatchObject([{ incarnation: 1, phase: 'ready' }]);
  },
);

test.each(['zygote', 'spawn'] as const)(
  'signals that an import blocks reach the worker all the same (%s)',
  async (start) => {
    await using house = await aPythonRuntime({ imports: ['rude_tools'], start });
    await expect(house.python.call('blocked_signals')).resolves.toEqual([]);
    const exits = house.record('worker.exited');
    const [pid = 0] = house.pids;
    process.kill(pid, 'SIGTERM');
    await house.missed([pid]);
    await house.ready(1);
    expect(exits).toMatchObject([{ pid, code: 0 }]);
  },
);
