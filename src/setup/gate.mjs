/** What `npm test` and `npm run check` run, in order. */

import { existsSync, mkdirSync, readFileSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import process from 'node:process';
import { runLoud, runQuiet } from './child.mjs';
import { countPytest, countVitest, judged } from './counts.mjs';
import { Interrupted, SetupFailure } from './failure.mjs';
import { checkGenerated } from './generate.mjs';
import { inRoot, programs, reportsDirectory, venvPython } from './paths.mjs';

/** @typedef {{ title: string, run: () => Promise<{ ok: boolean, output: string }> }} Check */

const pythonDirectory = inRoot('python');
const forTests = { ...process.env, COILYARD_PYTHON: venvPython };

/** The Python of the examples follows the rules of the package, save those for libraries. */
const asInPackage = ['--config', 'python/pyproject.toml'];

/** @type {readonly Check[]} */
export const checks = [
  { title: 'generated code', run: generatedCode },
  node('format and lint', programs.biome, 'check', '--error-on-warnings', '--colors=off', '.'),
  node(
    'types',
    programs.tsc,
    '--noEmit',
    '-p',
    'tsconfig.json',
    '--incremental',
    '--tsBuildInfoFile',
    '.cache/types.tsbuildinfo',
  ),
  node(
    'import rules',
    programs.depcruise,
    '--config',
    '.dependency-cruiser.cjs',
    'src',
    'supervisors',
    'test',
    'docs/examples',
  ),
  python('Python format', 'ruff', 'format', '--check', 'python'),
  python('Python lint', 'ruff', 'check', '--output-format=concise', 'python'),
  python('example format', 'ruff', 'format', '--check', ...asInPackage, 'docs/examples'),
  python(
    'example lint',
    'ruff',
    'check',
    '--output-format=concise',
    ...asInPackage,
    '--extend-ignore=D,T20,PLC0415,ARG',
    'docs/examples',
  ),
  python('Python types', 'mypy', '--config-file', 'python/pyproject.toml', 'python/src', 'python/tools'),
];

/**
 * The fast tests have the machine for themselves: they must not wait for real processes.
 *
 * @param {boolean} onlyFast only what needs neither real processes nor the build
 */
export function suites(onlyFast) {
  const fast = { title: 'TypeScript tests', run: () => vitest('fast', '--project=fast') };
  const real = { title: 'TypeScript tests with real processes', run: () => vitest('real', '--project=!fast') };
  const ofPython = { title: 'Python tests', run: () => pytest(onlyFast ? ['-m', 'not gateway and not dspy'] : []) };
  return onlyFast ? [fast, ofPython] : [fast, real, ofPython];
}

/**
 * @param {string} name
 * @param {string} project
 */
function vitest(name, project) {
  const report = reportAt(`vitest-${name}.json`);
  const all = [programs.vitest, 'run', project, '--reporter=default', '--reporter=json', `--outputFile.json=${report}`];
  return counted(report, countVitest, process.execPath, all, inRoot());
}

/** @param {readonly string[]} args */
function pytest(args) {
  const report = reportAt('pytest.xml');
  const all = ['-m', 'pytest', '-q', ...args, `--junitxml=${report}`];
  return counted(report, countPytest, venvPython, all, pythonDirectory);
}

/**
 * @param {string} report
 * @param {(text: string) => import('./counts.mjs').Counts} count
 * @param {string} command
 * @param {readonly string[]} args
 * @param {string} cwd
 */
async function counted(report, count, command, args, cwd) {
  const { code, told } = await runLoud(command, args, { cwd, env: forTests });
  if (told !== undefined) throw new Interrupted(told);
  return judged(code === 0, existsSync(report) ? count(readFileSync(report, 'utf8')) : undefined);
}

/** The report of an earlier run must not be counted. */
function reportAt(/** @type {string} */ name) {
  mkdirSync(reportsDirectory, { recursive: true });
  const path = join(reportsDirectory, name);
  rmSync(path, { force: true });
  return path;
}

async function generatedCode() {
  try {
    await checkGenerated();
    return { ok: true, output: '' };
  } catch (error) {
    if (!(error instanceof SetupFailure)) throw error;
    return { ok: false, output: [error.detail, error.message].filter(Boolean).join('\n') };
  }
}

/**
 * @param {string} title
 * @param {readonly string[]} args
 * @returns {Check}
 */
function node(title, ...args) {
  return { title, run: () => runQuiet(logName(title), process.execPath, args, { env: forTests }) };
}

/**
 * @param {string} title
 * @param {readonly string[]} args
 * @returns {Check}
 */
function python(title, ...args) {
  return { title, run: () => runQuiet(logName(title), venvPython, ['-m', ...args]) };
}

/** @param {string} title */
const logName = (title) => title.toLowerCase().replaceAll(' ', '-');
