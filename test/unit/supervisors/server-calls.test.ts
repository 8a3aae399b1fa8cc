import { expect, test } from 'vitest';
import { ManualClock, settle } from '../../../src/testing/manual-clock.js';
import { exitReason, type From, type Process, type spawn, spawnServer } from '../../../supervisors/index.js';
import { boom, failure, refusal } from './fixtures.js';

/** A counter that is asked by name. */
function counter(options: { parent?: Process; clock?: ManualClock; name?: Parameters<typeof spawn>[0]['name'] } = {}) {
  return spawnServer({
    ...(options.parent === undefined ? {} : { parent: options.parent }),
    ...(options.clock === undefined ? {} : { clock: options.clock }),
    ...(options.name === undefined ? {} : { name: options.name }),
    init: () => ({ state: 0 }),
    handleCall: (message: 'increment' | 'get', _from: From<number>, count: number) =>
      message === 'get' ? { reply: count, state: count } : { reply: count + 1, state: count + 1 },
    handleCast: (by: number, count: number) => ({ state: count + by }),
  });
}

test('S71 a call returns the reply', async () => {
  const server = await counter();
  expect(await server.call('increment')).toBe(1);
  expect(await Promise.all([server.call('increment'), server.call('increment'), server.call('get')])).toEqual([
    2, 3, 3,
  ]);
});

test('S71 a call that is not answered fails after 5000 ms, or after its own time', async () => {
  const clock = new ManualClock();
  const server = await spawnServer({
    clock,
    init: () => ({ state: 0 }),
    handleCall: (_message: unknown, _from, state: number) => ({ state }),
  });
  const [plain, quick] = [refusal(server.call('x')), refusal(server.call('x', { timeoutMs: 100 }))];
  const patient = server.call('x', { timeoutMs: Number.POSITIVE_INFINITY });
  let settled = false;
  void patient.catch(() => {
    settled = true;
  });
  await clock.advance(100);
  expect(await quick).toBe('timeout');
  await clock.advance(4900);
  expect(await plain).toBe('timeout');
  await clock.advance(10 ** 9);
  expect(settled).toBe(false);
  expect(clock.pendingTimers).toBe(0);
});

test('S71 a call to a dead server is noproc', async () => {
  const server = await counter();
  server.exit(exitReason.killed);
  const error = await failure(server.call('get'));
  expect(error).toMatchObject({ details: { reason: 'noproc' }, execution: 'not_started' });
});

test('S71 a server that ends before it replies fails the call with its exit reason, also normal', async () => {
  for (const [reason, word] of [
    [exitReason.normal, 'normal'],
    [exitReason.killed, 'killed'],
    [boom, 'error'],
  ] as const) {
    const server = await spawnServer({
      init: () => ({ state: 0 }),
      handleCall: () => ({ stop: reason, state: 0 }),
    });
    const error = await failure(server.call('x'));
    expect(error).toMatchObject({ details: { reason: word, exitReason: reason }, execution: 'unknown' });
  }
});

test('S71 a server that calls itself is told calling_self instead of waiting for ever', async () => {
  const server = await spawnServer({
    init: ({ self }) => ({ state: self }),
    handleCall: async (): Promise<{ reply: unknown; state: Process }> => ({
      reply: await refusal(server.call('again')),
      state: server,
    }),
  });
  expect(await server.call('once')).toBe('calling_self');
});

test('S72 a call that timed out is carried out all the same, and its late reply is dropped', async () => {
  const clock = new ManualClock();
  let release = (): void => {};
  const server = await spawnServer({
    clock,
    init: () => ({ state: 0 }),
    handleCall: async (message: 'slow' | 'get', _from, count: number) => {
      if (message === 'slow')
        await new Promise<void>((resolve) => {
          release = resolve;
        });
      return { reply: count, state: count + 1 };
    },
  });
  const slow = refusal(server.call('slow', { timeoutMs: 10 }));
  await clock.advance(10);
  expect(await slow).toBe('timeout');
  release();
  expect(await server.call('get')).toBe(1);
});

test('S73 a reply may come later, from anywhere; a second or late one is harmless', async () => {
  const clock = new ManualClock();
  const waiting: From<string>[] = [];
  const server = await spawnServer({
    clock,
    init: () => ({ state: 0 }),
    handleCall: (_message: string, from: From<string>, state: number) => {
      waiting.push(from);
      return { state };
    },
  });
  const first = server.call('a');
  const second = refusal(server.call('b', { timeoutMs: 1 }));
  await settle();
  waiting[0]?.('later');
  waiting[0]?.('again');
  expect(await first).toBe('later');
  await clock.advance(1);
  waiting[1]?.('too late');
  expect(await second).toBe('timeout');
  server.exit(exitReason.killed);
  waiting[0]?.('to the dead');
});

test('S74 a cast never fails, also to a dead server, and messages are handled in order', async () => {
  const server = await counter();
  server.cast(5);
  server.cast(7);
  expect(await server.call('get')).toBe(12);
  server.exit(exitReason.killed);
  server.cast(1);
  server.send('anything');
});

test('S74 a missing handleInfo drops the message; a missing handleCall or handleCast crashes the server', async () => {
  const calm = await spawnServer({ init: () => ({ state: 0 }) });
  calm.send('unknown');
  await settle();
  expect(calm.alive).toBe(true);
  calm.cast('unknown');
  expect((await calm.exited).type).toBe('error');
  const asked = await spawnServer({ init: () => ({ state: 0 }) });
  expect(await refusal(asked.call('unknown'))).toBe('error');
});

test('S75 stop with a reply: terminate runs first, then the reply is sent', async () => {
  const order: string[] = [];
  const server = await spawnServer({
    init: () => ({ state: 'old' }),
    handleCall: () => ({ stop: exitReason.normal, reply: 'bye', state: 'new' }),
    terminate: async (reason, state) => {
      await settle();
      order.push(`terminate ${reason.type} ${state}`);
    },
  });
  order.push(`reply ${String(await server.call('x'))}`);
  expect(order).toEqual(['terminate normal new', 'reply bye']);
  expect(await server.exited).toEqual(exitReason.normal);
});

test.for([
  [
    'throws',
    () => {
      throw new Error('in terminate');
    },
  ],
  ['rejects', () => Promise.reject(new Error('in terminate'))],
] as const)('S75 a terminate that %s does not keep the reply back, and is the exit reason', async ([, terminate]) => {
  const server = await spawnServer({
    init: () => ({ state: 0 }),
    handleCall: () => ({ stop: exitReason.normal, reply: 'bye' }),
    terminate,
  });
  expect(await server.call('x')).toBe('bye');
  expect(await server.exited).toMatchObject({ type: 'error', error: { message: 'in terminate' } });
});

test('S76 what a callback throws counts as returned when it is an outcome', async () => {
  const server = await spawnServer({
    init: () => ({ state: 0 }),
    handleCall: (message: 'sync' | 'async', _from, state: number) => {
      const outcome = { reply: message, state: state + 1 };
      if (message === 'async') return Promise.reject(outcome);
      throw outcome;
    },
  });
  expect(await server.call('sync')).toBe('sync');
  expect(await server.call('async')).toBe('async');
  expect(await server.getState()).toBe(2);
});

test('S76 another thrown value is a bad_return_value; an error is the exit reason itself', async () => {
  const thrower = (thrown: unknown) =>
    spawnServer({
      init: () => ({ state: 0 }),
      handleCast: () => {
        throw thrown;
      },
    });
  const odd = await thrower('no outcome');
  odd.cast('x');
  expect(await odd.exited).toMatchObject({ error: { details: { reason: 'bad_return_value', value: 'no outcome' } } });
  const error = new Error('plain');
  const plain = await thrower(error);
  plain.cast('x');
  expect(await plain.exited).toEqual(exitReason.error(error));
});

test('S76 a callback that returns no outcome is a bad_return_value', async () => {
  const server = await spawnServer({ init: () => ({ state: 0 }), handleCast: () => undefined as never });
  server.cast('x');
  expect(await server.exited).toMatchObject({ error: { details: { reason: 'bad_return_value' } } });
});
