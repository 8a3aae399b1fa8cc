import { expect, test } from 'vitest';
import { CoilyardError } from '../../../src/kernel/errors.js';
import { describeExit, type ExitReason, exitReason, isCleanExit } from '../../../src/kernel/exit-reason.js';
import type { Process, ProcessOptions } from '../../../src/kernel/process.js';
import { type ProcessContext, spawn } from '../../../src/kernel/spawn.js';
import { settle } from '../../../src/testing/manual-clock.js';

interface Opened {
  readonly process: Process;
  readonly context: ProcessContext;
  /** Trapped exits, in order. */
  readonly exits: [Process | undefined, ExitReason][];
  /** Reasons that `terminate` was run with. */
  readonly terminated: string[];
}

/** A process and the means to act from inside it. */
async function open(options: ProcessOptions = {}): Promise<Opened> {
  let inside: ProcessContext | undefined;
  const exits: [Process | undefined, ExitReason][] = [];
  const terminated: string[] = [];
  const process = await spawn({
    ...options,
    init(context) {
      inside = context;
    },
    handleExit: (from, reason) => void exits.push([from, reason]),
    terminate: (reason) => void terminated.push(reason.type),
  });
  if (inside === undefined) throw new Error('init did not run');
  return { process, context: inside, exits, terminated };
}

const boom = exitReason.error(new Error('boom'));

test('S1 exactly normal and shutdown, with or without a detail, are clean', () => {
  const reasons: ExitReason[] = [
    exitReason.normal,
    exitReason.shutdown,
    exitReason.shutdownWith('drained'),
    exitReason.killed,
    exitReason.noproc,
    exitReason.timeout,
    boom,
    exitReason.signal(null, 0),
    exitReason.custom('normal'),
  ];
  expect(reasons.filter(isCleanExit).map(describeExit)).toEqual(['normal', 'shutdown', 'shutdown']);
});

test('S2 a normal exit signal does nothing to a process that does not trap', async () => {
  const { process } = await open();
  process.exit(exitReason.normal);
  await settle();
  expect(process.alive).toBe(true);
});

test('S2 a normal exit signal is a message to a process that traps', async () => {
  const { process, exits } = await open({ trapExit: true });
  const sender = await open();
  process.exit(exitReason.normal, sender.process);
  await settle();
  expect(process.alive).toBe(true);
  expect(exits).toEqual([[sender.process, exitReason.normal]]);
});

test('S2 a process that ends itself with normal is gone', async () => {
  const { process, context, terminated } = await open({ trapExit: true });
  context.exit(exitReason.normal);
  expect(process.alive).toBe(false);
  expect(await process.exited).toEqual(exitReason.normal);
  expect(terminated).toEqual(['normal']);
});

test('S2 any other exit signal ends a process that does not trap, without terminate', async () => {
  const { process, terminated } = await open();
  process.exit(exitReason.shutdown);
  expect(process.alive).toBe(false);
  expect(await process.exited).toEqual(exitReason.shutdown);
  expect(terminated).toEqual([]);
});

test('S3 a kill cannot be trapped, runs no terminate, and links see an ordinary killed', async () => {
  const watcher = await open({ trapExit: true });
  const victim = await open({ trapExit: true });
  watcher.process.link(victim.process);
  victim.process.exit(exitReason.killed);
  expect(victim.process.alive).toBe(false);
  expect(await victim.process.exited).toEqual(exitReason.killed);
  expect(victim.terminated).toEqual([]);
  await settle();
  expect(watcher.exits).toEqual([[victim.process, exitReason.killed]]);
  expect(watcher.process.alive).toBe(true);
});

test('S4 a process that ends itself with killed runs terminate and sends its links a signal that can be trapped', async () => {
  const watcher = await open({ trapExit: true });
  const suicide = await open();
  watcher.process.link(suicide.process);
  suicide.context.exit(exitReason.killed);
  await settle();
  expect(suicide.terminated).toEqual(['killed']);
  expect(watcher.exits).toEqual([[suicide.process, exitReason.killed]]);
  expect(watcher.process.alive).toBe(true);
});

test('S5 an abnormal end takes linked processes that do not trap along, chain by chain', async () => {
  const [a, b, c] = [await open(), await open(), await open()];
  a.process.link(b.process);
  b.process.link(c.process);
  a.process.exit(boom);
  await settle();
  expect(await b.process.exited).toBe(boom);
  expect(await c.process.exited).toBe(boom);
});

test('S5 a normal end leaves linked processes that do not trap alone', async () => {
  const [a, b] = [await open(), await open()];
  a.process.link(b.process);
  a.context.exit(exitReason.normal);
  await settle();
  expect(b.process.alive).toBe(true);
});

test('S5 a process that traps is told of every end of a linked one', async () => {
  const watcher = await open({ trapExit: true });
  for (const reason of [exitReason.normal, exitReason.shutdown, boom]) {
    const other = await open();
    other.process.link(watcher.process);
    other.context.exit(reason);
  }
  await settle();
  expect(watcher.exits.map(([, reason]) => reason)).toEqual([exitReason.normal, exitReason.shutdown, boom]);
});

test('S5 a chain of 50,000 linked processes falls without overflowing the stack', async () => {
  const first = await spawn({});
  let last = first;
  for (let length = 1; length < 50_000; length += 1) {
    const next = await spawn({});
    last.link(next);
    last = next;
  }
  first.exit(boom);
  await settle();
  expect(last.alive).toBe(false);
});

test('S6 linking twice gives one exit', async () => {
  const watcher = await open({ trapExit: true });
  const other = await open();
  watcher.process.link(other.process);
  other.process.link(watcher.process);
  other.process.exit(boom);
  await settle();
  expect(watcher.exits).toEqual([[other.process, boom]]);
});

test('S6 linking to a dead process tells a process that traps noproc', async () => {
  const watcher = await open({ trapExit: true });
  const dead = await open();
  dead.process.exit(exitReason.killed);
  watcher.process.link(dead.process);
  await settle();
  expect(watcher.exits).toEqual([[dead.process, exitReason.noproc]]);
});

test('S6 linking to a dead process fails with noproc for a process that does not trap', async () => {
  const [a, dead] = [await open(), await open()];
  dead.process.exit(exitReason.killed);
  expect(() => a.process.link(dead.process)).toThrow(CoilyardError);
  expect(() => a.process.link(dead.process)).toThrow(
    expect.objectContaining({ details: { reason: 'noproc', process: dead.process.id } }),
  );
  expect(a.process.alive).toBe(true);
});

test('S6 linking to oneself does nothing, and only processes of this library can be linked', async () => {
  const { process } = await open();
  process.link(process);
  const { id, alive, exited, exit, monitor, link, unlink } = process;
  expect(() => process.link({ id, alive, exited, exit, monitor, link, unlink })).toThrow('a process made by spawn');
  process.exit(boom);
  expect(await process.exited).toBe(boom);
});

test('S7 each monitor hears of the end exactly once', async () => {
  const { process } = await open();
  const heard: ExitReason[] = [];
  const listener = (reason: ExitReason): void => void heard.push(reason);
  process.monitor(listener);
  process.monitor(listener);
  process.exit(boom);
  process.exit(exitReason.killed);
  await settle();
  expect(heard).toEqual([boom, boom]);
});

test('S7 a monitor on a dead process hears noproc', async () => {
  const { process } = await open();
  process.exit(exitReason.killed);
  await settle();
  const heard: ExitReason[] = [];
  process.monitor((reason) => heard.push(reason));
  await settle();
  expect(heard).toEqual([exitReason.noproc]);
});

test('S7 a monitor that was taken back hears nothing, also when the process has ended meanwhile', async () => {
  const { process } = await open();
  const heard: ExitReason[] = [];
  const off = process.monitor((reason) => heard.push(reason));
  process.exit(exitReason.killed);
  off();
  const offDead = process.monitor((reason) => heard.push(reason));
  offDead();
  offDead();
  await settle();
  expect(heard).toEqual([]);
});

test('S7 a monitor that throws or rejects hurts neither the others nor the process', async () => {
  const { process } = await open();
  const heard: ExitReason[] = [];
  process.monitor(() => {
    throw new Error('a bad monitor');
  });
  process.monitor(async () => {
    throw new Error('a bad asynchronous monitor');
  });
  process.monitor((reason) => heard.push(reason));
  process.exit(exitReason.killed);
  await settle();
  expect(heard).toEqual([exitReason.killed]);
});

test('S8 trapping belongs to the receiver, can be switched, and returns the old value', async () => {
  const { process, context, exits } = await open();
  expect(context.trapExit(true)).toBe(false);
  process.exit(boom);
  await settle();
  expect(exits).toEqual([[undefined, boom]]);
  expect(context.trapExit(false)).toBe(true);
  process.exit(boom);
  expect(process.alive).toBe(false);
});

test('S9 exits of one process arrive in the order they were sent', async () => {
  const watcher = await open({ trapExit: true });
  const sender = await open();
  watcher.process.link(sender.process);
  watcher.process.exit(exitReason.custom(1), sender.process);
  watcher.process.exit(exitReason.custom(2), sender.process);
  sender.context.exit(exitReason.custom(3));
  await settle();
  expect(watcher.exits.map(([, reason]) => reason)).toEqual([1, 2, 3].map((n) => exitReason.custom(n)));
});

test('S9 trapped exits are handled one at a time, also by an asynchronous handler', async () => {
  const log: string[] = [];
  const process = await spawn({
    trapExit: true,
    handleExit: async (_from, reason) => {
      log.push(`begin ${describeExit(reason)}`);
      await settle();
      log.push(`end ${describeExit(reason)}`);
    },
  });
  process.exit(exitReason.custom(1));
  process.exit(exitReason.custom(2));
  await settle();
  await settle();
  await settle();
  expect(log).toEqual(['begin custom: 1', 'end custom: 1', 'begin custom: 2', 'end custom: 2']);
});

test('S10 after unlink no exit of that link arrives, in neither direction', async () => {
  const watcher = await open({ trapExit: true });
  const [a, b] = [await open(), await open()];
  watcher.process.link(a.process);
  watcher.process.link(b.process);
  watcher.process.unlink(a.process);
  b.process.unlink(watcher.process);
  a.process.exit(boom);
  b.process.exit(boom);
  await settle();
  expect(watcher.exits).toEqual([]);
});

test('S10 unlinking a process that has just died keeps its exit away', async () => {
  const watcher = await open({ trapExit: true });
  const other = await open();
  watcher.process.link(other.process);
  other.process.exit(boom);
  watcher.process.unlink(other.process);
  await settle();
  expect(watcher.exits).toEqual([]);
});

test('S11 what a callback throws is the exit reason', async () => {
  const error = new Error('in handleExit');
  const terminated: ExitReason[] = [];
  const process = await spawn({
    trapExit: true,
    handleExit: () => {
      throw error;
    },
    terminate: (reason) => void terminated.push(reason),
  });
  process.exit(exitReason.normal);
  expect(await process.exited).toEqual(exitReason.error(error));
  expect(terminated).toEqual([exitReason.error(error)]);
});

test('S11 a failing terminate is the exit reason', async () => {
  for (const terminate of [
    () => {
      throw new Error('sync');
    },
    () => Promise.reject(new Error('async')),
  ]) {
    let inside: ProcessContext | undefined;
    const process = await spawn({
      init: (context) => {
        inside = context;
      },
      terminate,
    });
    inside?.exit(exitReason.normal);
    expect((await process.exited).type).toBe('error');
  }
});

test('S80 terminate is waited for, and a kill does not wait for it', async () => {
  const hang = { terminate: () => new Promise(() => {}) };
  let inside: ProcessContext | undefined;
  const process = await spawn({
    ...hang,
    init: (context) => {
      inside = context;
    },
  });
  inside?.exit(exitReason.normal);
  await settle();
  expect(process.alive).toBe(true);
  process.exit(exitReason.killed);
  expect(await process.exited).toEqual(exitReason.killed);
});

test('S81 the exit of the parent ends a process that traps, also a normal one, and terminate runs', async () => {
  const parent = await open();
  const child = await open({ parent: parent.process, trapExit: true });
  parent.context.exit(exitReason.normal);
  expect(await child.process.exited).toEqual(exitReason.normal);
  expect(child.terminated).toEqual(['normal']);
  expect(child.exits).toEqual([]);
});

test('S81 a normal end of the parent leaves a process that does not trap alone; an abnormal one takes it along', async () => {
  const [calm, wild] = [await open(), await open()];
  const ofCalm = await open({ parent: calm.process });
  const ofWild = await open({ parent: wild.process });
  calm.context.exit(exitReason.normal);
  wild.context.exit(boom);
  expect(await ofWild.process.exited).toBe(boom);
  expect(ofWild.terminated).toEqual([]);
  expect(ofCalm.process.alive).toBe(true);
});

test('every process has an id of its own, and exited keeps its answer', async () => {
  const [a, b] = [await open(), await open()];
  expect(a.process.id).not.toBe(b.process.id);
  expect(a.process.id).toBe(a.process.id);
  const early = a.process.exited;
  a.process.exit(boom);
  expect(await early).toBe(boom);
  expect(await a.process.exited).toBe(boom);
});
