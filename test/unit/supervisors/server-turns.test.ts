import { expect, test } from 'vitest';
import { ManualClock, settle } from '../../../src/testing/manual-clock.js';
import { exitReason, type ServerContext, spawn, spawnServer, startRegistry } from '../../../supervisors/index.js';
import { boom } from './fixtures.js';

test('S77 handleContinue runs before any queued message, also one that was queued during init', async () => {
  const log: string[] = [];
  const registry = await startRegistry<string>({ keys: 'unique' });
  let early: (() => void) | undefined;
  const starting = spawnServer({
    name: { registry, key: 's' },
    init: async (context: ServerContext) => {
      early = () => {
        context.self.exit(exitReason.custom('queued'));
      };
      await settle();
      return { state: 0, continue: 'from init' };
    },
    trapExit: true,
    handleContinue: (argument, state: number) => {
      log.push(`continue ${String(argument)}`);
      return argument === 'from init' ? { state, continue: 'again' } : { state };
    },
    handleInfo: (_message, state: number) => {
      log.push('info');
      return { state };
    },
    handleCall: (_message, _from, state: number) => {
      log.push('call');
      return { reply: 'ok', state, continue: 'from call' };
    },
  });
  early?.();
  const server = await starting;
  const replies = [server.call(1), server.call(2)];
  expect(await Promise.all(replies)).toEqual(['ok', 'ok']);
  await settle();
  expect(log).toEqual([
    'continue from init',
    'continue again',
    'info',
    'call',
    'continue from call',
    'call',
    'continue from call',
  ]);
});

test('S77 a crash in handleContinue comes after the start has succeeded', async () => {
  const error = new Error('in continue');
  const server = await spawnServer({
    init: () => ({ state: 0, continue: 'x' }),
    handleContinue: () => {
      throw error;
    },
  });
  expect(await server.exited).toEqual(exitReason.error(error));
});

test('S78 an idle timeout is delivered when no message comes in time', async () => {
  const clock = new ManualClock();
  const seen: unknown[] = [];
  const server = await spawnServer({
    clock,
    init: () => ({ state: 0, timeoutMs: 100 }),
    handleInfo: (message, state: number) => {
      seen.push(message);
      return { state };
    },
    handleCast: (_message, state: number) => ({ state }),
  });
  await clock.advance(100);
  expect(seen).toEqual([{ timeout: true }]);
  await clock.advance(1000);
  expect(seen).toHaveLength(1);
  await server.stop();
});

test('S78 any message cancels an idle timeout; returning it again arms it again', async () => {
  const clock = new ManualClock();
  let timeouts = 0;
  const server = await spawnServer({
    clock,
    init: () => ({ state: 0, timeoutMs: 100 }),
    handleCast: (again: boolean, state: number) => (again ? { state, timeoutMs: 100 } : { state }),
    handleInfo: (_message, state: number) => {
      timeouts += 1;
      return { state };
    },
  });
  await clock.advance(99);
  server.cast(true);
  await clock.advance(99);
  expect(timeouts).toBe(0);
  await clock.advance(1);
  expect(timeouts).toBe(1);
  server.cast(true);
  await clock.advance(50);
  server.cast(false);
  await clock.advance(1000);
  expect(timeouts).toBe(1);
  expect(clock.pendingTimers).toBe(0);
});

test('S78 a timeout of 0 loses to a message that is queued already', async () => {
  const clock = new ManualClock();
  const log: string[] = [];
  const server = await spawnServer({
    clock,
    init: () => ({ state: 0 }),
    handleCast: (name: string, state: number) => {
      log.push(name);
      return name === 'first' ? { state, timeoutMs: 0 } : { state };
    },
    handleInfo: (_message, state: number) => {
      log.push('timeout');
      return { state };
    },
  });
  server.cast('first');
  server.cast('second');
  await clock.advance(10);
  expect(log).toEqual(['first', 'second']);
});

test('S9 what was sent before a process died arrives before its exit, what is sent afterwards arrives after it', async () => {
  const log: string[] = [];
  const server = await spawnServer({
    trapExit: true,
    init: () => ({ state: 0 }),
    handleCast: (message: string, state: number) => {
      log.push(message);
      return { state };
    },
    handleInfo: (message, state: number) => {
      log.push(typeof message === 'object' && message !== null && 'exit' in message ? 'exit' : 'info');
      return { state };
    },
  });
  const sender = await spawn({});
  sender.link(server);
  server.cast('one');
  sender.exit(boom);
  server.cast('two');
  await settle();
  expect(log).toEqual(['one', 'exit', 'two']);
});

test('an asynchronous handler holds the next message back', async () => {
  const log: string[] = [];
  const server = await spawnServer({
    init: () => ({ state: 0 }),
    handleCast: async (name: string, state: number) => {
      log.push(`begin ${name}`);
      await settle();
      log.push(`end ${name}`);
      return { state };
    },
    handleCall: () => ({ reply: undefined, state: 0 }),
  });
  server.cast('a');
  server.cast('b');
  await server.call('after');
  expect(log).toEqual(['begin a', 'end a', 'begin b', 'end b']);
});

test('two servers that cast to each other for ever do not starve the event loop', async () => {
  let rallies = 0;
  const player = () =>
    spawnServer({
      init: () => ({ state: undefined as { cast(message: unknown): void } | undefined }),
      handleCast: (message: { cast(message: unknown): void } | 'ball', opponent) => {
        if (message !== 'ball') return { state: message };
        rallies += 1;
        opponent?.cast('ball');
        return { state: opponent };
      },
    });
  const [a, b] = [await player(), await player()];
  a.cast(b);
  b.cast(a);
  a.cast('ball');
  await settle();
  await settle();
  expect(rallies).toBeGreaterThan(100);
  a.exit(exitReason.killed);
});
