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
