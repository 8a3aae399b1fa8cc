import { expect, test } from 'vitest';
import { ManualClock, settle } from '../../../src/testing/manual-clock.js';
import {
  type ExitReason,
  exitReason,
  type From,
  type Process,
  type ProcessContext,
  type Server,
  type ServerContext,
  spawn,
  spawnServer,
} from '../../../supervisors/index.js';
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

test('S80 terminate runs after a stop, a crash and a bad return; not after a kill or an exit signal that is not trapped', async () => {
  const reasons: ExitReason[] = [];
  const make = () =>
    spawnServer({
      init: () => ({ state: 0 }),
      handleCast: (message: 'stop' | 'crash' | 'bad', state: number) => {
        if (message === 'crash') throw new Error('crash');
        return message === 'stop' ? { stop: exitReason.normal, state } : (undefined as never);
      },
      terminate: (reason) => void reasons.push(reason),
    });
  for (const message of ['stop', 'crash', 'bad'] as const) {
    const server = await make();
    server.cast(message);
    await server.exited;
  }
  const stopped = await make();
  await stopped.stop(exitReason.shutdown);
  for (const reason of [exitReason.killed, exitReason.shutdown]) (await make()).exit(reason);
  await settle();
  expect(reasons.map(({ type }) => type)).toEqual(['normal', 'error', 'error', 'shutdown']);
});

test('S81 a trapped exit of the parent terminates, also a normal one; of anybody else it is a message', async () => {
  let end = (_reason: ExitReason): void => {};
  const parent = await spawn({ init: (context: ProcessContext) => void (end = context.exit) });
  const seen: unknown[] = [];
  const server = await spawnServer({
    parent,
    trapExit: true,
    init: () => ({ state: 0 }),
    handleInfo: (message, state: number) => {
      seen.push(message);
      return { state };
    },
    terminate: (reason) => void seen.push(`terminate ${reason.type}`),
  });
  const other = await spawn({});
  other.link(server);
  other.exit(boom);
  await settle();
  expect(seen).toEqual([{ exit: other, reason: boom }]);
  end(exitReason.normal);
  expect(await server.exited).toEqual(exitReason.normal);
  expect(seen.at(-1)).toBe('terminate normal');
});

test('S82 a server that stops with normal runs terminate with normal', async () => {
  const seen: string[] = [];
  let context: ServerContext | undefined;
  const server = await spawnServer({
    init: (given) => {
      context = given;
      return { state: 0 };
    },
    terminate: ({ type }) => void seen.push(type),
  });
  context?.exit(exitReason.normal);
  expect(await server.exited).toEqual(exitReason.normal);
  expect(seen).toEqual(['normal']);
});

test('S83 stop waits its turn behind queued messages, then ends with the reason', async () => {
  const server = await counter();
  server.cast(1);
  const counted = server.call('get');
  await server.stop(exitReason.shutdown);
  expect(await counted).toBe(1);
  expect(await server.exited).toEqual(exitReason.shutdown);
});

test('S83 stop fails with noproc, timeout, calling_self, or the reason it ended with instead', async () => {
  const clock = new ManualClock();
  const stuck = await spawnServer({ clock, init: () => ({ state: 0 }), terminate: () => new Promise(() => {}) });
  const stopping = refusal(stuck.stop(exitReason.normal, { timeoutMs: 10 }));
  await clock.advance(10);
  expect(await stopping).toBe('timeout');
  const again = refusal(stuck.stop());
  stuck.exit(exitReason.killed);
  expect(await again).toBe('killed');
  expect(await refusal(stuck.stop())).toBe('noproc');
  const inner: Server = await spawnServer({
    init: () => ({ state: 0 }),
    handleCall: async (): Promise<{ reply: unknown; state: number }> => ({
      reply: await refusal(inner.stop()),
      state: 0,
    }),
  });
  expect(await inner.call('x')).toBe('calling_self');
});

test('S84 a suspended server keeps its messages and answers only system requests; then it goes on in order', async () => {
  const server = await counter();
  await server.suspend();
  server.cast(1);
  const asked = server.call('increment');
  expect(await server.getState()).toBe(0);
  expect(await server.replaceState((count) => count + 10)).toBe(10);
  await server.resume();
  expect(await asked).toBe(12);
});

test('S84 a replaceState that throws leaves the state and the server alone', async () => {
  const server = await counter();
  const error = new Error('bad change');
  expect(
    await failure(
      server.replaceState(() => {
        throw error;
      }),
    ),
  ).toBe(error);
  expect(await server.call('get')).toBe(0);
});

test('S84 the parent can stop a suspended server', async () => {
  const parent = await spawn({});
  const server = await spawnServer({ parent, trapExit: true, init: () => ({ state: 0 }) });
  await server.suspend();
  parent.exit(exitReason.shutdown);
  expect(await server.exited).toEqual(exitReason.shutdown);
});

test('S85 an abnormal end is reported with the last message, the state and the reason; a clean one is not', async () => {
  const reports: unknown[] = [];
  const make = () =>
    spawnServer({
      init: () => ({ state: 7 }),
      handleCast: (message: string, state: number) => {
        if (message === 'crash') throw boom.type === 'error' ? boom.error : boom;
        return { stop: exitReason.shutdown, state };
      },
      onCrash: (report) => {
        reports.push(report);
        throw new Error('a bad listener');
      },
    });
  const [crashing, stopping] = [await make(), await make()];
  crashing.cast('crash');
  stopping.cast('stop');
  await Promise.all([crashing.exited, stopping.exited]);
  expect(reports).toEqual([{ reason: boom, lastMessage: 'crash', state: 7 }]);
});
