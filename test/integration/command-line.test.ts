/** `coilyard` as a process of its own. */

import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { setTimeout } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import { credentials } from '@grpc/grpc-js';
import { afterEach, expect, test } from 'vitest';
import { SessionsClient } from '../../src/gen/coilyard/v1/sessions.js';
import { VariablesClient, type WatchResponse } from '../../src/gen/coilyard/v1/variables.js';
import { ask, reader } from '../support/gateway-host.js';

const root = fileURLToPath(new URL('../..', import.meta.url));
const started: ChildProcess[] = [];

afterEach(() => {
  for (const child of started.splice(0)) child.kill('SIGKILL');
});

function coilyard(...args: readonly string[]) {
  const program = ['--import', './test/support/run-typescript.mjs', 'src/cli/main.ts', ...args];
  const child = spawn(process.execPath, program, { cwd: root, stdio: ['ignore', 'pipe', 'pipe'] });
  started.push(child);
  const said = { stdout: '', stderr: '' };
  child.stdout.on('data', (bytes) => {
    said.stdout += bytes;
  });
  child.stderr.on('data', (bytes) => {
    said.stderr += bytes;
  });
  const ended = once(child, 'close').then(([code]) => ({ code, ...said }));
  const listening = async (): Promise<string> => {
    while (!said.stdout.includes('\n'))
      await Promise.race([once(child.stdout, 'data'), ended.then(() => Promise.reject(said))]);
    return said.stdout.trim().slice('coilyard: gateway listening on '.length);
  };
  return { child, ended, listening };
}

test('start says where it listens, and nothing else; a signal ends it in order, however often it comes', async () => {
  const { child, ended, listening } = coilyard('start');
  const address = await listening();
  const sessions = new SessionsClient(address, credentials.createInsecure());
  const variables = new VariablesClient(address, credentials.createInsecure());
  await ask(sessions.createSession.bind(sessions), {
    requestId: '',
    id: 'watched',
    metadata: new Map(),
    attachIfExists: false,
  });
  const watch = reader<WatchResponse>(
    variables.watch({
      sessionId: 'watched',
      variables: [],
      pattern: '',
      includeInitial: false,
      includeSettings: false,
      coalesce: true,
    }),
  );
  await watch.next();
  for (const signal of ['SIGINT', 'SIGTERM', 'SIGINT'] as const) child.kill(signal);
  expect(await watch.ended).toMatchObject({ error: { details: { reason: 'runtime_stopped' } } });
  expect(await ended).toEqual({ code: 0, stdout: `coilyard: gateway listening on ${address}\n`, stderr: '' });
  expect(address).toMatch(/^127\.0\.0\.1:[1-9]\d*$/);
  const again = coilyard('start', '--port', address.split(':')[1] ?? '');
  expect(await again.listening()).toBe(address);
  for (const client of [sessions, variables]) client.close();
});

test('a signal that comes when all has stopped changes nothing either, up to the last moment of the process', async () => {
  const { child, ended, listening } = coilyard('start');
  await listening();
  const over = ended.then(() => true);
  do child.kill('SIGINT');
  while (!(await Promise.race([over, setTimeout(2, false)])));
  expect(await ended).toMatchObject({ code: 0, stderr: '' });
});

test('a port that is taken is talk on stderr and exit code 1', async () => {
  const address = await coilyard('start').listening();
  const [, port = ''] = address.split(':');
  expect(await coilyard('start', '--port', port).ended).toEqual({
    code: 1,
    stdout: '',
    stderr: `coilyard start: gateway: cannot listen on ${address}: the port is in use\n`,
  });
});

test('whoever asks a command for help gets the usage', async () => {
  const { code, stdout, stderr } = await coilyard('start', '--help').ended;
  expect([code, stderr]).toEqual([0, '']);
  expect(stdout).toMatch(/^usage: coilyard start/);
});
