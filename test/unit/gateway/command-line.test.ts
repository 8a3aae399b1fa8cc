import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, test, vi } from 'vitest';
import { runtimeOptionsFrom, start } from '../../../src/cli/start.js';

let directory: string;
beforeEach(() => {
  directory = mkdtempSync(join(tmpdir(), 'coilyard-'));
});
afterEach(() => {
  rmSync(directory, { recursive: true, force: true });
  vi.restoreAllMocks();
});

function config(text: string): string {
  const file = join(directory, 'config.json');
  writeFileSync(file, text);
  return file;
}

test('principals and certificates come from the file, the address from the command line', async () => {
  const principals = [{ name: 'ann', token: 'of-ann', scopes: ['read'] }];
  const tls = { cert: 'server.pem', key: 'server-key.pem' };
  const file = config(JSON.stringify({ gateway: { port: 1, principals, tls } }));
  expect(await runtimeOptionsFrom({ config: file, port: '50051', host: '::1' })).toEqual({
    gateway: { host: '::1', port: 50051, principals, tls },
  });
});

test.each([
  ['is no JSON', '{ "gateway": { "token": my-own-precious } }'],
  ['breaks off', '{ "gateway": { "token": "my-own-precious'],
  ['has a token that cannot be shown', '{ "gateway": { "token": "my own-precious" } }'],
])('a file that %s is refused without a word of the token', async (_what, text) => {
  const printed = vi.spyOn(console, 'error').mockImplementation(() => undefined);
  expect(await start(['--config', config(text)])).toBeGreaterThan(0);
  expect(printed).toHaveBeenCalled();
  expect(printed.mock.calls.join()).not.toMatch(/my.own|precious/);
});

test.each(['abc', '', ' ', '1e3', '0x10', '-1', '65536', '80.5', '١'])(
  'the port %j is refused as it was given',
  async (port) => {
    const printed = vi.spyOn(console, 'error').mockImplementation(() => undefined);
    expect(await start([`--port=${port}`])).toBe(2);
    expect(printed.mock.calls.join()).toBe(
      `coilyard start: --port: expected a number from 0 to 65535, got ${JSON.stringify(port)}`,
    );
  },
);

test.each([
  ['null', '--config: expected an object, got null'],
  ['[]', '--config: expected an object, got a list of 0'],
  ['{ "gateway": 5 }', '--config: gateway: expected an object, got 5'],
  ['{ "gateway": false }', '--config: gateway: false leaves nothing to start'],
])('a configuration of %s is refused, and starts nothing', async (text, refusal) => {
  const printed = vi.spyOn(console, 'error').mockImplementation(() => undefined);
  expect(await start(['--config', config(text)])).toBe(2);
  expect(printed.mock.calls.join()).toBe(`coilyard start: ${refusal}`);
});
