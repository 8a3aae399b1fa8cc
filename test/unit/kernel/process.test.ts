import { expect, test } from 'vitest';
import { type ExitReason, exitReason } from '../../../src/kernel/exit-reason.js';
import type { Process } from '../../../src/kernel/process.js';
import { type ProcessContext, spawn } from '../../../src/kernel/spawn.js';
import { settle } from '../../../src/testing/manual-clock.js';

/** A process and the means to act from inside it. */
async function open(
  options: { parent?: Process; trapExit?: boolean } = {},
): Promise<{ process: Process; context: ProcessContext; exits: [Process | undefined, ExitReason][]; ended: string[] }> {
  let inside: ProcessContext | undefined;
  const exits: [Process | undefined, ExitReason][] = [];
  const ended: string[] = [];
  const process = await spawn({
    ...options,
    init(context) {
      inside = context;
    },
    handleExit: (from, reason) => void exits.push([from, reason]),
    terminate: (reason) => void ended.push(reason.type),
  });
  if (inside === undefined) throw new Error('init did not run');
  return { process, context: inside, exits, ended };
}

const boom = exitReason.error(new Error('boom'));

test('S2 a normal exit signal does nothing to a process that does not trap', async () => {
  const { process } = await open();
  process.exit(exitReason.normal);
  await settle();
  expect(process.alive).toBe(true);
});

test('S2 a normal exit signal is a message to a process that traps', async () => {
  const { process, exits } = await open({ trapExit: true });
  process.exit(exitReason.normal);
  await settle();
  expect(process.alive).toBe(true);
  expect(exits).toEqual([[undefined, exitReason.normal]]);
});

test('S2 a process that ends itself with normal is gone', async () => {
  const { process, context, ended } = await open();
  context.exit(exitReason.normal);
  expect(await process.exited).toEqual(exitReason.normal);
  expect(ended).toEqual(['normal']);
});

test('S3 a kill cannot be trapped, runs no terminate, and links see an ordinary killed', async () => {
  const watcher = await open({ trapExit: true });
  const victim = await open({ trapExit: true });
  watcher.process.link(victim.process);
  victim.process.exit(exitReason.killed);
  expect(victim.process.alive).toBe(false);
  expect(await victim.process.exited).toEqual(exitReason.killed);
  expect(victim.ended).toEqual([]);
  await settle();
  expect(watcher.exits).toEqual([[victim.process, exitReason.killed]]);
  expect(watcher.process.alive).toBe(true);
});

test('S4 a process that ends itself with killed sends its links a signal that can be trapped', async () => {
  const watcher = await open({ trapExit: true });
  const suicide = await open();
  watcher.process.link(suicide.process);
  suicide.context.exit(exitReason.killed);
  await settle();
  expect(suicide.ended).toEqual(['killed']);
  expect(watcher.exits).toEqual([[suicide.process, exitReason.killed]]);
  expect(watcher.process.alive).toBe(true);
});

test('S5 a linked process that does not trap ends with the same reason, along the whole chain', async () => {
  const chain = await Promise.all([open(), open(), open()]);
  const [a, b, c] = chain.map(({ process }) => process);
  a?.link(b as Process);
  b?.link(c as Process);
  a?.exit(boom);
  await settle();
  expect(await c?.exited).toBe(boom);
});
