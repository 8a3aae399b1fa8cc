import { chmodSync, mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, expect, test } from 'vitest';
import { checkProbe, findInterpreter, findPackageRoot, notRunnable } from '../../../src/workers/interpreter.js';

const root = mkdtempSync(join(tmpdir(), 'coilyard-interpreter-'));
afterAll(() => rmSync(root, { recursive: true }));

function aVenv(name: string): string {
  const bin = join(root, name, 'bin');
  mkdirSync(bin, { recursive: true });
  writeFileSync(join(bin, 'python'), '');
  chmodSync(join(bin, 'python'), 0o755);
  return join(root, name);
}

const asked = aVenv('asked');
const active = aVenv('active');
const project = join(root, 'project');
const projectVenv = aVenv('project/.venv');
const packaged = join(root, 'package');
const packageVenv = aVenv('package/.venv');
const bare = join(root, 'bare');
mkdirSync(bare);

const pythonOf = (venv: string): string => join(venv, 'bin', 'python');

test.each([
  ['the pool option before all', asked, { COILYARD_PYTHON: active, VIRTUAL_ENV: active }, project, pythonOf(asked)],
  ['then COILYARD_PYTHON', undefined, { COILYARD_PYTHON: asked, VIRTUAL_ENV: active }, project, pythonOf(asked)],
  ['then the active virtual environment', undefined, { VIRTUAL_ENV: active }, project, pythonOf(active)],
  ['then .venv of the working directory', undefined, {}, project, pythonOf(projectVenv)],
  ['then .venv of this package', undefined, {}, bare, pythonOf(packageVenv)],
  [
    'an empty variable counts as absent',
    undefined,
    { COILYARD_PYTHON: '', VIRTUAL_ENV: '' },
    project,
    pythonOf(projectVenv),
  ],
  ['a bare name is looked up on PATH', 'python3.12', {}, project, 'python3.12'],
  ['a relative path is one of the working directory', './.venv', {}, project, pythonOf(projectVenv)],
  ['a bare name that is a directory here is that environment', '.venv', {}, project, pythonOf(projectVenv)],
  ['an interpreter is taken as it is', pythonOf(asked), {}, bare, pythonOf(asked)],
])('%s', (_rule, option, env, cwd, command) => {
  expect(findInterpreter(option, { env, cwd, packageRoot: packaged }).command).toBe(command);
});

test('at last python3 on PATH', () => {
  expect(findInterpreter(undefined, { env: {}, cwd: bare, packageRoot: bare })).toEqual({
    command: 'python3',
    origin: 'PATH',
  });
});

test('what was asked for by name is never replaced by something else', () => {
  const missing = join(root, 'missing', 'python');
  expect(findInterpreter(missing, { env: {}, cwd: project, packageRoot: packaged }).command).toBe(missing);
});

const interpreter = { command: '/opt/python', origin: 'COILYARD_PYTHON' };

test('a Python that can run the SDK is accepted, also when its site prints something first', () => {
  checkProbe(interpreter, 'hello from sitecustomize\n{"version": [3, 11, 7], "missing": []}\n');
});

test.each([
  ['{"version": [3, 11, 7], "missing": ["grpcio", "protobuf"]}', '/opt/python -m pip install grpcio protobuf'],
  ['{"version": [3, 11, 7], "missing": ["grpcio"]}', 'Install it: /opt/python -m pip install grpcio'],
  ['{"version": [3, 9, 1], "missing": []}', 'is Python 3.9.1, too old'],
  ['{"version": [2, 7, 1], "missing": []}', 'Install Python 3.10 or newer'],
  ['', 'is not a Python interpreter that works'],
  ['null', 'is not a Python interpreter that works'],
  ['{"version": "3", "missing": []}', 'is not a Python interpreter that works'],
])('an interpreter that says %s is refused with the remedy', (stdout, text) => {
  expect(() => checkProbe(interpreter, stdout)).toThrow(
    expect.objectContaining({
      code: 'pool_unavailable',
      execution: 'not_started',
      message: expect.stringMatching(/^\/opt\/python \(from COILYARD_PYTHON\)/),
      details: expect.objectContaining({ remedy: expect.any(String) }),
    }),
  );
  expect(() => checkProbe(interpreter, stdout)).toThrow(text);
});

test('an interpreter that cannot be started says who asked for it', () => {
  expect(notRunnable(interpreter, new Error('ENOENT')).message).toBe(
    '/opt/python (from COILYARD_PYTHON) cannot be started. Install Python 3.10 or newer, or name one: the pool option python, or COILYARD_PYTHON.',
  );
});

test('the package finds its Python side from wherever it is installed', () => {
  expect(findPackageRoot()).toBe(process.cwd());
  expect(() => findPackageRoot(bare)).toThrow(/Reinstall the package/);
});
