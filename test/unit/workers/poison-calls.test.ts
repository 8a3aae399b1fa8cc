import { expect, test } from 'vitest';
import type { ScriptedCall } from '../../../src/testing/scripted-worker.js';
import { Harness, settle } from './harness.js';

/** Dies of `n: 13`, and answers anything else. */
const fragile = {
  tools: {
    work: (args: ReadonlyMap<string, unknown>, { worker }: ScriptedCall) => {
      if (args.get('n') === 13) worker.exit({ signal: 'SIGSEGV', stderr: ['Fatal Python error'] });
      return args.get('n');
    },
  },
};

async function aRestartedPool(size: number): Promise<Harness> {
  const house = new Harness(fragile, { size });
  await house.start();
  return house;
}

test('a call that killed two workers is not tried on a third, though it may be repeated', async () => {
  const house = await aRestartedPool(3);
  const call = house.call('work', { n: 13 }, { idempotent: true });
  await expect(call).rejects.toMatchObject({
    code: 'worker_lost',
    execution: 'unknown',
    details: { reason: 'poison_call', killed: 2 },
  });
  expect(house.launcher.living).toHaveLength(1);
});

test('the same call is refused from then on, with the record of its victims; another one is served', async () => {
  const house = await aRestartedPool(3);
  for (let n = 0; n < 2; n += 1)
    await expect(house.call('work', { n: 13 })).rejects.toMatchObject({ execution: 'unknown' });
  await house.clock.advance(1_000);
  await expect(house.call('work', { n: 13 })).rejects.toMatchObject({
    code: 'worker_lost',
    execution: 'not_started',
    retryable: false,
    details: {
      reason: 'poison_call',
      casualties: [
        { cause: 'segmentation_fault', signal: 'SIGSEGV', stderr: ['Fatal Python error'] },
        { cause: 'segmentation_fault' },
      ],
    },
  });
  await expect(house.call('work', { n: 1 })).resolves.toBe(1);
  expect(house.launcher.living).toHaveLength(1);
});

test('a death is forgotten after a while', async () => {
  const house = await aRestartedPool(4);
  for (let n = 0; n < 2; n += 1) await house.call('work', { n: 13 }).catch(() => {});
  await house.clock.advance(600_001);
  await expect(house.call('work', { n: 13 })).rejects.toMatchObject({ execution: 'unknown' });
});

test('a call that ends well clears its name', async () => {
  let isSick = true;
  const house = new Harness(
    {
      tools: {
        work: (_args, { worker }) => {
          if (isSick) worker.exit({ code: 1 });
          return 'well';
        },
      },
    },
    { size: 4 },
  );
  await house.start();
  await house.call('work').catch(() => {});
  await house.clock.advance(1_000);
  isSick = false;
  await expect(house.call('work')).resolves.toBe('well');
  isSick = true;
  await house.call('work').catch(() => {});
  await house.clock.advance(1_000);
  isSick = false;
  await expect(house.call('work')).resolves.toBe('well');
});

test('a worker that others kill is not held against the call that it had', async () => {
  const house = new Harness({ tools: { work: () => new Promise(() => {}) } }, { size: 3 });
  const workers = await house.start();
  for (const worker of workers.slice(0, 2)) {
    const call = house.call('work').catch(() => {});
    await settle();
    house.launcher.living.find(({ calls }) => calls.length > 0)?.exit({ signal: 'SIGKILL' });
    await call;
    expect(worker).toBeDefined();
  }
  await house.clock.advance(1_000);
  void house.call('work').catch(() => {});
  await settle();
  expect(house.launcher.living[0]?.calls).toHaveLength(1);
});
