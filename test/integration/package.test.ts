import { execFile } from 'node:child_process';
import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { afterAll, beforeAll, expect, test } from 'vitest';

const run = promisify(execFile);
const root = fileURLToPath(new URL('../../', import.meta.url));
const manifest: { readonly version: string; readonly exports: object; readonly bin: { readonly coilyard: string } } =
  JSON.parse(readFileSync(join(root, 'package.json'), 'utf8'));

/** A user's project with what `npm pack` packs of the built package; its dependencies are found further up. */
let project = '';
const installed = (...path: string[]): string => join(project, 'node_modules', 'coilyard', ...path);

beforeAll(async () => {
  mkdirSync(join(root, '.cache'), { recursive: true });
  project = mkdtempSync(join(root, '.cache', 'installed-'));
  // Without a manifest of its own the name would mean the package around it.
  writeFileSync(join(project, 'package.json'), '{}');
  await run('npm', ['pack', '--ignore-scripts', '--loglevel=error', '--pack-destination', project], { cwd: root });
  mkdirSync(installed(), { recursive: true });
  const tarball = join(project, `coilyard-${manifest.version}.tgz`);
  await run('tar', ['-xzf', tarball, '-C', installed(), '--strip-components=1']);
});
afterAll(() => rmSync(project, { recursive: true, force: true }));

test('every entry point of the installed package can be imported', async () => {
  const entries = Object.keys(manifest.exports).filter((entry) => !entry.endsWith('.json'));
  const program = entries.map((entry) => `await import('${entry.replace('.', 'coilyard')}');`).join('\n');
  writeFileSync(join(project, 'main.mjs'), `${program}\nconsole.log(import.meta.resolve('coilyard'));\n`);
  const { stdout, stderr } = await run(process.execPath, [join(project, 'main.mjs')]);
  expect({ from: fileURLToPath(stdout.trim()), stderr }).toEqual({
    from: installed('dist', 'src', 'index.js'),
    stderr: '',
  });
});

test('the command line of the installed package runs', async () => {
  const { stdout } = await run(process.execPath, [installed(manifest.bin.coilyard), '--version']);
  expect(stdout.trim()).toBe(manifest.version);
});

test('what is for developers only is not packed', async () => {
  const { stdout } = await run('tar', ['-tzf', join(project, `coilyard-${manifest.version}.tgz`)]);
  expect(
    stdout.split('\n').filter((path) => /__pycache__|\/test\/|src\/setup|tsbuildinfo|examples/.test(path)),
  ).toEqual([]);
  expect(stdout).toContain('package/python/src/coilyard/worker.py');
  expect(stdout).toContain('package/proto/coilyard/v1/variables.proto');
});
