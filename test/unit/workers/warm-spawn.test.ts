import { expect, test } from 'vitest';
import { systemRandom } from '../../../src/kernel/clock.js';
import { incarnation, workerId } from '../../../src/kernel/ids.js';
import { type RuntimeEvents, TelemetryBus } from '../../../src/kernel/telemetry.js';
import { ManualClock } from '../../../src/testing/manual-clock.js';
import type { Launched, LaunchOrder, StartMode } from '../../../src/workers/launcher.js';
import { warmSpawn } from '../../../src/workers/launchers/zygote.js';

function aHouse(canFork: boolean, supervise: () => Promise<unknown> = () => Promise.reject(new Error('no tree'))) {
  const telemetry = new TelemetryBus();
  const bypassed: RuntimeEvents['zygote.bypassed'][] = [];
  telemetry.on('zygote.bypassed', (fields) => bypassed.push(fields));
  const cold: LaunchOrder[] = [];
  const launched: Launched = { pid: 1, exited: new Promise(() => {}), kill: () => {} };
  const launcher = warmSpawn({
    clock: new ManualClock(),
    random: systemRandom,
    telemetry,
    supervise,
    canFork,
    cold: {
      launch: async (order) => {
        cold.push(order);
        return launched;
      },
    },
  });
  return { launcher, cold, bypassed, launched };
}

const anOrder = (start: StartMode): LaunchOrder => ({
  workerId: workerId('w-0'),
  incarnation: incarnation(1),
  token: 't',
  gateway: 'h:1',
  imports: ['m'],
  paths: [],
  env: {},
  start,
  concurrency: 1,
  heartbeatIntervalMs: 1_000,
  onLine: () => {},
});

test('start: spawn never asks for a zygote', async () => {
  let asked = 0;
  const { launcher, cold } = aHouse(true, async () => {
    asked += 1;
  });
  await launcher.prepare?.(anOrder('spawn'));
  await launcher.launch(anOrder('spawn'));
  expect(asked).toBe(0);
  expect(cold).toHaveLength(1);
});

test('start: auto starts cold without a word where fork is not to be had', async () => {
  const { launcher, cold, bypassed, launched } = aHouse(false);
  await launcher.prepare?.(anOrder('auto'));
  await expect(launcher.launch(anOrder('auto'))).resolves.toBe(launched);
  expect(cold).toHaveLength(1);
  expect(bypassed).toEqual([]);
});

test('start: zygote is refused where fork is not to be had, with the remedy', async () => {
  const { launcher, cold } = aHouse(false);
  await expect(launcher.launch(anOrder('zygote'))).rejects.toMatchObject({
    code: 'pool_unavailable',
    execution: 'not_started',
    message: expect.stringMatching(/w-0 cannot be forked: fork is not to be had .*start: 'auto'/),
  });
  expect(cold).toEqual([]);
});

test('start: auto starts cold and says why when the zygote cannot be started', async () => {
  const { launcher, cold, bypassed } = aHouse(true);
  await launcher.launch(anOrder('auto'));
  expect(cold).toHaveLength(1);
  expect(bypassed).toMatchObject([{ zygote: 'zygote:m', workerId: 'w-0', reason: expect.stringContaining('no tree') }]);
});

test('environments that differ have zygotes of their own, named after their imports; equal ones share', async () => {
  const ids: unknown[] = [];
  const { launcher } = aHouse(true, async (...[id]: unknown[]) => {
    ids.push(id);
  });
  const order = anOrder('auto');
  await launcher.prepare?.(order);
  await launcher.prepare?.({ ...order });
  await launcher.prepare?.({ ...order, env: { A: '1' } });
  await launcher.prepare?.({ ...order, imports: [] });
  expect(ids).toEqual(['zygote:m', 'zygote:m#2', 'zygote:bare']);
});
