import { type ChildProcess, spawn } from 'node:child_process';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import type { WorkerInvitation } from '../../src/index.js';
import { findInterpreter, findPackageRoot } from '../../src/workers/interpreter.js';
import { eventually } from '../support/processes.js';
import { aPythonRuntime, type PythonHouse } from '../support/python-runtime.js';

const packageRoot = findPackageRoot();
const { command: python } = findInterpreter(undefined, { env: process.env, cwd: packageRoot, packageRoot });

/** As a person would, on another machine: the command and the token of the invitation, nothing else. */
function byHand({ command, token, tokenVariable }: WorkerInvitation): ChildProcess & AsyncDisposable {
  const path = ['--path', join(packageRoot, 'test', 'support', 'python')];
  const child = spawn(python, [...command.slice(1), ...path], {
    env: { ...process.env, [tokenVariable]: token, PYTHONPATH: join(packageRoot, 'python', 'src') },
    stdio: 'ignore',
  });
  return Object.assign(child, {
    [Symbol.asyncDispose]: async () => {
      if (child.exitCode === null && child.signalCode === null) {
        child.kill('SIGKILL');
        await new Promise((ended) => child.once('exit', ended));
      }
    },
  });
}

const isReady = (house: PythonHouse, id: string): boolean =>
  house.python.workers().some(({ workerId, phase }) => workerId === id && phase === 'ready');

test('a worker that is started by hand joins its pool with a token, serves, and may come back', async () => {
  await using house = await aPythonRuntime({ heartbeatIntervalMs: 100, allowedMisses: 10 });
  const invitation = await house.python.invite();
  await expect(house.python.call('add', { a: 1, b: 1 })).resolves.toBe(2);
  {
    await using worker = byHand(invitation);
    await eventually(() => isReady(house, invitation.workerId), 'it has joined', 20_000);
    const pids = await Promise.all([1, 2, 3, 4].map(() => house.python.call('append_slowly', aTrace)));
    expect(pids).toContain(worker.pid);
    // It is not ours to signal: its silence alone tells that it is gone.
    worker.kill('SIGSTOP');
    await eventually(() => !isReady(house, invitation.workerId), 'its lease is over');
    worker.kill('SIGCONT');
    await new Promise((ended) => worker.once('exit', ended));
  }
  await using again = byHand(invitation);
  await eventually(() => isReady(house, invitation.workerId), 'it is back', 20_000);
  expect(again.pid).toBeDefined();
});

test('a token lets one worker in at a time, and a wrong one nobody', async () => {
  await using house = await aPythonRuntime();
  const invitation = await house.python.invite();
  await using first = byHand(invitation);
  await eventually(() => isReady(house, invitation.workerId), 'it has joined', 20_000);
  await using second = byHand(invitation);
  await using stranger = byHand({ ...invitation, token: `${invitation.workerId}.guess` });
  const codes = await Promise.all(
    [second, stranger].map((child) => new Promise((ended) => child.once('exit', (code) => ended(code)))),
  );
  expect(codes).toEqual([4, 4]);
  expect(first.exitCode).toBeNull();
});

test('a runtime that stops lets its guests finish and go', async () => {
  const house = await aPythonRuntime();
  const invitation = await house.python.invite();
  await using worker = byHand(invitation);
  await eventually(() => isReady(house, invitation.workerId), 'it has joined', 20_000);
  const ended = new Promise((resolve) => worker.once('exit', resolve));
  await house.runtime.stop();
  expect(await ended).toBe(0);
});

const aTrace = { path: '/dev/null', line: 'x', seconds: 0.3 };
