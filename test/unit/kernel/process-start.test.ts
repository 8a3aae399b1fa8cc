import { expect, test } from 'vitest';
import { CoilyardError } from '../../../src/kernel/errors.js';
import { type ExitReason, exitReason } from '../../../src/kernel/exit-reason.js';
import { IGNORE, type NameRegistry, type Process } from '../../../src/kernel/process.js';
import { type ProcessContext, spawn } from '../../../src/kernel/spawn.js';
import { ManualClock, settle } from '../../../src/testing/manual-clock.js';

/** The smallest thing that can hold names. */
class Names implements NameRegistry {
  readonly held = new Map<unknown, Process>();

  register(key: unknown, process: Process): void {
    if (this.held.get(key)?.alive === true) throw new Error('taken');
    this.held.set(key, process);
  }
  unregister(key: unknown, process: Process): void {
    if (this.held.get(key) === process) this.held.delete(key);
  }
  whereis(key: unknown): Process | undefined {
    return this.held.get(key);
  }
}

const reasonOf = (error: unknown): unknown => (error instanceof CoilyardError ? error.details.reason : error);

async function trapper(): Promise<{ process: Process; exits: ExitReason[] }> {
  const exits: ExitReason[] = [];
  const process = await spawn({ trapExit: true, handleExit: (_from, reason) => void exits.push(reason) });
  return { process, exits };
}

test('S65 spawn waits for an asynchronous init', async () => {
  let ready = false;
  await spawn({
    init: async () => {
      await settle();
      ready = true;
    },
  });
  expect(ready).toBe(true);
});

test('S65 the name is registered before init runs, and the parent is linked', async () => {
  const names = new Names();
  const parent = await trapper();
  const error = exitReason.error(new Error('early'));
  let seen: Process | undefined;
  const process = await spawn({
    parent: parent.process,
    name: { registry: names, key: 'n' },
    init: () => {
      seen = names.whereis('n');
    },
  });
  expect(seen).toBe(process);
  process.exit(error);
  await settle();
  expect(parent.exits).toEqual([error]);
});

test('S65 a dead parent starts nothing', async () => {
  const { process: parent } = await trapper();
  parent.exit(exitReason.killed);
  let ran = false;
  const starting = spawn({
    parent,
    init: () => {
      ran = true;
    },
  });
  expect(reasonOf(await starting.catch((error: unknown) => error))).toBe('noproc');
  expect(ran).toBe(false);
});

test('S66 an init that throws, or rejects, fails the start, and the cause is that very error', async () => {
  const error = new Error('no');
  const failing = [
    () => {
      throw error;
    },
    () => Promise.reject(error),
  ];
  for (const init of failing)
    await expect(spawn({ init })).rejects.toMatchObject({
      name: 'CoilyardError',
      message: 'no',
      details: { reason: 'error' },
      cause: error,
    });
});

test('S66 an init that ends the process fails the start with the reason, and terminate does not run', async () => {
  let terminated = false;
  const starting = spawn({
    init: (context) => context.exit(exitReason.shutdown),
    terminate: () => {
      terminated = true;
    },
  });
  expect(reasonOf(await starting.catch((error: unknown) => error))).toBe('shutdown');
  expect(terminated).toBe(false);
});

test('S66 ignore is no failure: the process ends with normal and spawn says so', async () => {
  const parent = await trapper();
  let inside: ProcessContext | undefined;
  const result = await spawn({
    parent: parent.process,
    init: (context) => {
      inside = context;
      return IGNORE;
    },
  });
  expect(result).toBe(IGNORE);
  expect(await inside?.process.exited).toEqual(exitReason.normal);
  await settle();
  expect(parent.exits).toEqual([]);
});

test('S67 a failed init ends a parent that does not trap, with its reason', async () => {
  const parent = await spawn({});
  const error = new Error('no');
  await expect(
    spawn({
      parent,
      init: () => {
        throw error;
      },
    }),
  ).rejects.toMatchObject({ cause: error });
  expect(await parent.exited).toEqual(exitReason.error(error));
});

test('S67 a parent that traps hears of a failed init from the start function alone', async () => {
  const parent = await trapper();
  await expect(spawn({ parent: parent.process, init: () => Promise.reject(new Error('no')) })).rejects.toThrow('no');
  await settle();
  expect(parent.exits).toEqual([]);
  expect(parent.process.alive).toBe(true);
});

test('S68 an init that takes too long is killed, and the start fails with timeout', async () => {
  const clock = new ManualClock();
  let inside: ProcessContext | undefined;
  const starting = spawn({
    clock,
    initTimeoutMs: 100,
    init: (context) => {
      inside = context;
      return new Promise<void>(() => {});
    },
  }).catch((error: unknown) => error);
  await clock.advance(99);
  expect(inside?.process.alive).toBe(true);
  await clock.advance(1);
  expect(await starting).toMatchObject({ code: 'deadline_exceeded', details: { reason: 'timeout' } });
  expect(await inside?.process.exited).toEqual(exitReason.killed);
  expect(clock.pendingTimers).toBe(0);
});

test('S68 an init that is through in time leaves no timer behind', async () => {
  const clock = new ManualClock();
  await spawn({ clock, initTimeoutMs: 100, init: () => settle() });
  expect(clock.pendingTimers).toBe(0);
});

test('S69 a taken name fails with already_started and the holder; the loser never runs init', async () => {
  const names = new Names();
  const name = { registry: names, key: 'n' };
  const holder = await spawn({ name });
  let ran = false;
  const error = await spawn({
    name,
    init: () => {
      ran = true;
    },
  }).catch((thrown: unknown) => thrown);
  expect(error).toMatchObject({ details: { reason: 'already_started', process: holder } });
  expect(ran).toBe(false);
  expect(names.whereis('n')).toBe(holder);
});

test('S69 after an init that ignored, failed or stopped the name is free at once', async () => {
  const names = new Names();
  const name = { registry: names, key: 'n' };
  await spawn({ name, init: () => IGNORE });
  expect(names.whereis('n')).toBeUndefined();
  await spawn({ name, init: () => Promise.reject(new Error('no')) }).catch(() => {});
  expect(names.whereis('n')).toBeUndefined();
  await spawn({ name, init: (context) => context.exit(exitReason.normal) }).catch(() => {});
  expect(names.whereis('n')).toBeUndefined();
});

test('S70 the name is free before a link or monitor hears of the end', async () => {
  const names = new Names();
  const process = await spawn({ name: { registry: names, key: 'n' } });
  let free: boolean | undefined;
  process.monitor(() => {
    free = names.whereis('n') === undefined;
  });
  process.exit(exitReason.killed);
  await settle();
  expect(free).toBe(true);
});

test('an error of the registry itself is not taken for a taken name', async () => {
  const broken: NameRegistry = {
    register: () => {
      throw new Error('the registry is gone');
    },
    unregister: () => {},
    whereis: () => undefined,
  };
  await expect(spawn({ name: { registry: broken, key: 'n' } })).rejects.toThrow('the registry is gone');
});

test('a process that is killed while it starts fails the start at once', async () => {
  let inside: ProcessContext | undefined;
  const starting = spawn({
    trapExit: true,
    init: (context) => {
      inside = context;
      return new Promise<void>(() => {});
    },
  }).catch((error: unknown) => error);
  inside?.process.exit(exitReason.killed);
  expect(reasonOf(await starting)).toBe('killed');
});

test('a process that traps handles the exits that came during its init afterwards', async () => {
  const exits: ExitReason[] = [];
  let inside: ProcessContext | undefined;
  const starting = spawn({
    trapExit: true,
    init: async (context) => {
      inside = context;
      await settle();
    },
    handleExit: (_from, reason) => void exits.push(reason),
  });
  inside?.process.exit(exitReason.shutdown);
  expect(exits).toEqual([]);
  await starting;
  await settle();
  expect(exits).toEqual([exitReason.shutdown]);
});
