import { chmodSync, mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { findPython } from '../../../src/setup/python.mjs';

let directory = '';
beforeEach(() => {
  directory = join(mkdtempSync(join(tmpdir(), 'coilyard-')), 'with a space');
  mkdirSync(directory);
});
afterEach(() => rmSync(join(directory, '..'), { recursive: true, force: true }));

/** A program that answers as an interpreter would. */
function interpreter(name: string, answer: string): string {
  const path = join(directory, name);
  writeFileSync(path, `#!/bin/sh\n${answer}\n`);
  chmodSync(path, 0o755);
  return path;
}

const find = (env: Readonly<Record<string, string>> = {}): ReturnType<typeof findPython> =>
  findPython({ PATH: directory, ...env });

test('the first Python that will do is taken', async () => {
  interpreter('python3', 'echo coilyard 3.9.6 True');
  interpreter('python', 'echo coilyard 2.7.18 False');
  interpreter('python3.13', 'echo coilyard 3.13.1 True');
  expect(await find()).toMatchObject({ command: 'python3.13', version: '3.13.1' });
});

test('without any Python the failure says what to install', async () => {
  await expect(find()).rejects.toThrow(/no Python was found\. Install Python 3\.10 or newer/);
});

test('a Python that is too old is named with its version', async () => {
  interpreter('python3', 'echo coilyard 3.9.6 True');
  await expect(find()).rejects.toThrow(/python3 is Python 3\.9\.6, too old\. Install/);
});

test('a Python without its venv module is told from one that is missing', async () => {
  interpreter('python3', 'echo coilyard 3.12.3 False');
  await expect(find()).rejects.toThrow(/apt install python3\.12-venv/);
});

test('a Python asked for by name is never replaced by another', async () => {
  interpreter('python3', 'echo coilyard 3.12.3 True');
  const named = interpreter('mine', 'exit 127');
  await expect(find({ COILYARD_PYTHON: named })).rejects.toThrow(/from COILYARD_PYTHON\) is not a Python that starts/);
});

test('COILYARD_PYTHON may name an environment', async () => {
  mkdirSync(join(directory, 'env', 'bin'), { recursive: true });
  interpreter('env/bin/python', 'echo coilyard 3.11.2 True');
  const named = join(directory, 'env');
  expect(await find({ COILYARD_PYTHON: named })).toMatchObject({ command: join(named, 'bin', 'python') });
});
