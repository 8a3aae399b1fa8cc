import { chmodSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, expect, test } from 'vitest';
import { diagnose, type DoctorOptions, type Finding } from '../../src/runtime/doctor.js';
import { aPythonRuntime } from '../support/python-runtime.js';

const root = mkdtempSync(join(tmpdir(), 'coilyard-doctor-'));
afterAll(() => rmSync(root, { recursive: true }));

/** An interpreter that answers every question with these lines. */
function aPython(name: string, ...lines: string[]): string {
  const path = join(root, name);
  writeFileSync(path, `#!/bin/sh\n${lines.map((line) => `echo '${line}'`).join('\n')}\n`);
  chmodSync(path, 0o755);
  return path;
}

const lookAt = async (options: DoctorOptions = {}): Promise<Map<string, Finding>> =>
  new Map((await diagnose(options)).map((finding) => [finding.check, finding]));

test('on a machine that is ready nothing fails, and every version is named', async () => {
  const found = await lookAt();
  expect([...found.values()].filter(({ outcome }) => outcome === 'fail')).toEqual([]);
  expect(found.get('node')?.found).toContain(process.versions.node);
  expect(found.get('python (pool default)')?.found).toMatch(/^Python 3\.\d+/);
  expect(found.get('grpcio (pool default)')?.found).toMatch(/^\d+\.\d+/);
  expect(found.get('fork (pool default)')?.outcome).toBe('ok');
});

test('a Node that is too old fails with the command that installs another', async () => {
  expect((await lookAt({ nodeVersion: '18.20.1' })).get('node')).toMatchObject({
    outcome: 'fail',
    remedy: 'nvm install 20',
  });
});

test('the doctor says of an interpreter what the pool says when it cannot start', async () => {
  const python = aPython('bare', '{"version": [3, 11, 2], "missing": ["grpcio", "protobuf"]}');
  const finding = (await lookAt({ runtime: { python: { pools: { default: { python } } } } })).get(
    'python (pool default)',
  );
  expect(finding).toMatchObject({ outcome: 'fail', remedy: `${python} -m pip install grpcio protobuf` });
  await using house = await aPythonRuntime({ python });
  await expect(house.python.call('add')).rejects.toMatchObject({
    code: 'pool_unavailable',
    message: expect.stringContaining(finding?.found ?? 'nothing was found'),
  });
});

test('packages that are too old, and modules that are nowhere, fail with the command that installs them', async () => {
  const seen = {
    version: '3.11.2',
    isVirtual: false,
    canFork: false,
    packages: { grpcio: '1.50.0', protobuf: '5.1.0', dspy: null },
    missingModules: ['my_tools'],
  };
  const python = aPython('old');
  // One answer for the doctor, one for what a pool asks.
  writeFileSync(
    python,
    `#!/bin/sh\ncase "$2" in *isVirtual*) echo '${JSON.stringify(seen)}';; *) echo '{"version": [3, 11, 2], "missing": []}';; esac\n`,
  );
  const found = await lookAt({ runtime: { python: { pools: { gpu: { python, imports: ['my_tools'] } } } } });
  expect(found.get('grpcio (pool gpu)')).toMatchObject({
    outcome: 'fail',
    remedy: `${python} -m pip install --upgrade grpcio`,
  });
  expect(found.get('protobuf (pool gpu)')?.outcome).toBe('ok');
  expect(found.get('dspy (pool gpu)')?.outcome).toBe('warn');
  expect(found.get('imports (pool gpu)')).toMatchObject({ outcome: 'fail', found: 'cannot be found: my_tools' });
  expect(found.get('fork (pool gpu)')?.outcome).toBe('warn');
  expect(found.get('environment (pool gpu)')?.outcome).toBe('warn');
});

test('an interpreter that is not there, or does not do, fails with a command that harms nothing', async () => {
  const remedyOf = async (python: string) => {
    const found = await lookAt({ runtime: { python: { pools: { default: { python } } } }, cwd: root });
    return found.get('python (pool default)');
  };
  const [venv, broken] = [join(root, 'venv'), join(root, 'broken')];
  expect(await remedyOf(venv)).toMatchObject({
    outcome: 'fail',
    found: expect.stringContaining('cannot be started: there is no such file'),
    remedy: `python3 -m venv ${venv}`,
  });
  expect(await remedyOf(join(venv, 'bin', 'python'))).toMatchObject({ remedy: `python3 -m venv ${venv}` });
  writeFileSync(broken, '#!/bin/sh\nexit 7\n', { mode: 0o755 });
  expect(await remedyOf(broken)).toMatchObject({
    found: expect.stringContaining('cannot be started: it ended with exit code 7'),
    remedy: expect.stringMatching(/^python3 -m venv \.venv /),
  });
});

test('a module that is there and cannot be imported fails with what it raised, whatever it prints', async () => {
  writeFileSync(join(root, 'broken_tools.py'), 'import os\nos.write(1, b"{}")\nraise RuntimeError("not\\ntoday")\n');
  const pool = { imports: ['json', 'broken_tools'], paths: [root] };
  expect(
    (await lookAt({ runtime: { python: { pools: { default: pool } } } })).get('imports (pool default)'),
  ).toMatchObject({
    outcome: 'fail',
    found: 'cannot import broken_tools: RuntimeError: not today',
  });
});

test('options that a pool would refuse fail by their name', async () => {
  const pool: object = { sizee: 3 };
  expect(
    (await lookAt({ runtime: { python: { pools: { default: pool } } } })).get('options (pool default)'),
  ).toMatchObject({
    outcome: 'fail',
    found: expect.stringContaining('pools.default.sizee'),
  });
});

test('a port that somebody else has fails with the command that finds out who', async () => {
  const server = createServer();
  const port = await new Promise<number>((resolve) =>
    server.listen(0, '127.0.0.1', () => {
      const address = server.address();
      resolve(typeof address === 'object' && address !== null ? address.port : 0);
    }),
  );
  const found = await lookAt({ runtime: { python: false, gateway: { port } } });
  expect(found.get('gateway')).toMatchObject({ outcome: 'fail', remedy: `ss -ltnp 'sport = :${port}'` });
  await new Promise((closed) => server.close(closed));
});
