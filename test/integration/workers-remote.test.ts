import { spawn } from 'node:child_process';
import { expect, test } from 'vitest';
import type { WorkerInvitation } from '../../src/index.js';
import { type ByHand, byHand } from '../support/by-hand.js';
import { eventually, isRunning } from '../support/processes.js';
import { aPythonRuntime, lively, type PythonHouse } from '../support/python-runtime.js';

const isReady = (house: PythonHouse, id: string): boolean =>
  house.python.workers().some(({ workerId, phase }) => workerId === id && phase === 'ready');

test('a worker that is started by hand joins its pool with a token, serves, and may come back', async () => {
  await using house = await aPythonRuntime(lively);
  const invitation = await house.python.invite();
  await expect(house.python.call('add', { a: 1, b: 1 })).resolves.toBe(2);
  {
    await using worker = byHand(invitation);
    await eventually(() => isReady(house, invitation.workerId), 'it has joined');
    const pids = await Promise.all([1, 2, 3, 4].map(() => house.python.call('append_slowly', aTrace)));
    expect(pids).toContain(worker.pid);
    // It is not ours to signal: its silence alone tells that it is gone.
    worker.child.kill('SIGSTOP');
    await eventually(() => !isReady(house, invitation.workerId), 'its silence is noticed');
    worker.child.kill('SIGCONT');
    expect(await worker.ended, worker.said).toBe(5);
  }
  await using again = byHand(invitation);
  await eventually(() => isReady(house, invitation.workerId), 'it is back');
  expect(isRunning(again.pid)).toBe(true);
});

test('a token lets one worker in at a time, and a wrong one nobody', async () => {
  await using house = await aPythonRuntime();
  const invitation = await house.python.invite();
  await using first = byHand(invitation);
  await eventually(() => isReady(house, invitation.workerId), 'it has joined');
  await using second = byHand(invitation);
  await using stranger = byHand({ ...invitation, token: `${invitation.workerId}.guess` });
  expect(await Promise.all([second.ended, stranger.ended])).toEqual([4, 4]);
  expect(isRunning(first.pid)).toBe(true);
});

test('a runtime that stops lets its guests finish and go', async () => {
  const house = await aPythonRuntime();
  const invitation = await house.python.invite();
  await using worker = byHand(invitation);
  await eventually(() => isReady(house, invitation.workerId), 'it has joined');
  await house.runtime.stop();
  expect(await worker.ended).toBe(0);
});

interface Said {
  readonly invitation?: WorkerInvitation;
  readonly ready?: string;
  readonly exited?: string;
  readonly cause?: string;
  readonly pid?: number;
}

/** A runtime in a process of its own, and what it says. */
function aRuntimeToStop() {
  const node = spawn(
    process.execPath,
    ['--import', './test/support/run-typescript.mjs', './test/support/serve-guests.ts'],
    { stdio: ['ignore', 'pipe', 'inherit'] },
  );
  let printed = '';
  node.stdout.setEncoding('utf8').on('data', (text: string) => {
    printed += text;
  });
  const ended = new Promise((resolve) => node.once('exit', resolve));
  return {
    node,
    said: (): Said[] => [...printed.matchAll(/^\{.*\}$/gm)].map(([line]) => JSON.parse(line)),
    [Symbol.asyncDispose]: async () => {
      node.kill('SIGKILL');
      await ended;
    },
  };
}

/** Before its welcome has come a runtime that is gone, or stands still, is one that never answered. */
const welcomed = (guest: ByHand): Promise<void> =>
  eventually(() => guest.said.includes('has taken this worker in'), 'the welcome has come');

test('a runtime that stands still loses its guest with the lease and keeps the worker that it watches over', async () => {
  await using runtime = aRuntimeToStop();
  const found = () => runtime.said().find((said) => said.invitation !== undefined)?.invitation;
  await eventually(() => found() !== undefined, 'it invites');
  const invitation = found();
  if (invitation === undefined) throw new Error('no invitation');
  const { workerId } = invitation;
  const readies = (id: string) => runtime.said().filter(({ ready }) => ready === id);
  await using guest = byHand(invitation);
  await eventually(() => readies(workerId).length === 1, 'it has joined');
  const [own] = readies('default-0');
  await welcomed(guest);

  runtime.node.kill('SIGSTOP');
  expect(await guest.ended).toBe(6);
  expect(guest.said).toMatch(
    /nothing came from the runtime for \d+\.\d s: it is gone, it hangs, or it cannot be reached/,
  );
  expect(isRunning(own?.pid ?? 0)).toBe(true);

  runtime.node.kill('SIGCONT');
  const exits = () => runtime.said().filter(({ exited }) => exited !== undefined);
  await eventually(() => exits().length > 0, 'it says what became of the guest');
  expect(exits()).toEqual([{ exited: workerId, cause: 'disconnected' }]);
  await using again = byHand(invitation);
  await eventually(() => readies(workerId).length === 2, 'it takes the guest back');
  expect(exits()).toHaveLength(1);
  expect(readies('default-0')).toHaveLength(1);
  expect([own?.pid ?? 0, again.pid].map(isRunning)).toEqual([true, true]);
});

test('a guest goes when its runtime is killed', async () => {
  await using runtime = aRuntimeToStop();
  const found = () => runtime.said().find((said) => said.invitation !== undefined)?.invitation;
  await eventually(() => found() !== undefined, 'it invites');
  const invitation = found();
  if (invitation === undefined) throw new Error('no invitation');
  await using guest = byHand(invitation);
  await welcomed(guest);
  runtime.node.kill('SIGKILL');
  expect(await guest.ended).toBe(5);
  expect(guest.said).toContain('the connection to the runtime was lost');
});

const aTrace = { path: '/dev/null', line: 'x', seconds: 0.3 };
