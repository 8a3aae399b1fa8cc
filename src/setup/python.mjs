/** The Python environment of a clone: `.venv` with the SDK in it, from this clone, with the extras that are asked for. */

import { createHash } from 'node:crypto';
import { existsSync, readFileSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import process from 'node:process';
import { runQuiet } from './child.mjs';
import { SetupFailure } from './failure.mjs';
import { inRoot, root, venvDirectory, venvPython } from './paths.mjs';
import { step } from './progress.mjs';
import { failureFrom } from './remedies.mjs';

/** @typedef {{ command: string, version: string, canMakeVenv: boolean }} Python */

const OLDEST = { major: 3, minor: 10 };
/** Looked for in this order when COILYARD_PYTHON names none; macOS and old systems have a `python3` that is too old. */
const NAMES = ['python3', 'python', ...[14, 13, 12, 11, 10].map((minor) => `python3.${minor}`)];
const INSTALL = 'Install Python 3.10 or newer (python.org; apt install python3 python3-venv; brew install python)';

const stampPath = join(venvDirectory, 'coilyard-setup.json');

/**
 * Makes or completes the environment; does nothing when it is what `python/pyproject.toml` says.
 *
 * @param {readonly string[]} extras
 */
export async function ensurePython(extras) {
  const fingerprint = createHash('sha256')
    .update(root)
    .update(readFileSync(inRoot('python', 'pyproject.toml')))
    .digest('hex');
  const stamp = readStamp();
  const isCurrent = existsSync(venvPython) && stamp.fingerprint === fingerprint;
  if (isCurrent && extras.every((extra) => stamp.extras.includes(extra))) return;
  const all = [...new Set([...stamp.extras, ...extras])].sort();
  await step(`Python environment (.venv with ${all.join(', ')})`, async () => {
    if (!(await isUsable(venvPython))) await makeVenv();
    await install(all);
    writeFileSync(`${stampPath}.new`, JSON.stringify({ fingerprint, extras: all }));
    renameSync(`${stampPath}.new`, stampPath);
  });
}

/** @returns {{ fingerprint: string, extras: string[] }} */
function readStamp() {
  try {
    return JSON.parse(readFileSync(stampPath, 'utf8'));
  } catch {
    return { fingerprint: '', extras: [] };
  }
}

/** Whether it starts and has pip: a creation that was interrupted, or an upgrade of the system's Python, leaves ruins. */
async function isUsable(/** @type {string} */ python) {
  if (!existsSync(python)) return false;
  try {
    const { ok } = await runQuiet('venv-check', python, [
      '-c',
      'import pip, sys; sys.exit(sys.version_info < (3, 10))',
    ]);
    return ok;
  } catch {
    return false;
  }
}

async function makeVenv() {
  const python = await findPython();
  removeOldVenv();
  const { ok, output, log } = await runQuiet('venv', python.command, [
    '-m',
    'venv',
    '--prompt',
    'coilyard',
    venvDirectory,
  ]);
  if (ok) return;
  if (/ensurepip is not available|No module named '?(ensurepip|venv)/.test(output)) throw lacksVenv(python);
  throw failureFrom('making the Python environment .venv', output, log);
}

function removeOldVenv() {
  if (existsSync(venvDirectory) && !existsSync(join(venvDirectory, 'pyvenv.cfg')))
    throw new SetupFailure(`${venvDirectory} is in the way`, 'It is no Python environment: rename or remove it.');
  rmSync(venvDirectory, { recursive: true, force: true });
}

/** @param {readonly string[]} extras */
async function install(extras) {
  const pip = ['-m', 'pip', 'install', '--no-input', '--disable-pip-version-check', '--prefer-binary'];
  const { ok, output, log } = await runQuiet('pip-install', venvPython, [
    ...pip,
    '-e',
    `./python[${extras.join(',')}]`,
  ]);
  if (!ok) throw failureFrom('installing Python packages', output, log);
}

/**
 * The first Python that will do.
 *
 * @param {NodeJS.ProcessEnv} [env]
 * @returns {Promise<Python>}
 */
export async function findPython(env = process.env) {
  const named = env.COILYARD_PYTHON;
  const candidates = named ? [interpreterAt(named)] : NAMES;
  /** @type {Python[]} */
  const found = [];
  for (const command of candidates) {
    const python = await probe(command, env);
    if (python === undefined) continue;
    if (isNewEnough(python.version) && python.canMakeVenv) return python;
    found.push(python);
  }
  const origin = named ? ` (from COILYARD_PYTHON)` : '';
  const unequipped = found.find(({ version }) => isNewEnough(version));
  if (unequipped) throw lacksVenv(unequipped);
  const [old] = found;
  if (old)
    throw new SetupFailure(
      `${old.command}${origin} is Python ${old.version}, too old`,
      `${INSTALL}, or name one with COILYARD_PYTHON.`,
    );
  if (named)
    throw new SetupFailure(
      `${named}${origin} is not a Python that starts`,
      'Name one that does, or unset COILYARD_PYTHON.',
    );
  throw new SetupFailure('no Python was found', `${INSTALL}, or name one with COILYARD_PYTHON.`);
}

/** A directory is a virtual environment. */
function interpreterAt(/** @type {string} */ place) {
  const inside = join(place, process.platform === 'win32' ? 'Scripts/python.exe' : 'bin/python');
  return existsSync(inside) ? inside : place;
}

/** Also Python 2 can read it. */
const PROBE = `
import sys
try:
    import importlib.util as u
    venv = u.find_spec("venv") is not None and u.find_spec("ensurepip") is not None
except Exception:
    venv = False
print("coilyard %d.%d.%d %s" % (sys.version_info[0], sys.version_info[1], sys.version_info[2], venv))
`;

/**
 * @param {string} command
 * @param {NodeJS.ProcessEnv} env
 * @returns {Promise<Python | undefined>} `undefined`: it is not there or does not start
 */
async function probe(command, env) {
  try {
    const { output } = await runQuiet('python-probe', command, ['-c', PROBE], { env });
    const [, version, venv] = /^coilyard (\S+) (True|False)$/m.exec(output) ?? [];
    return version === undefined ? undefined : { command, version, canMakeVenv: venv === 'True' };
  } catch (error) {
    if (error instanceof Error && 'code' in error) return undefined;
    throw error;
  }
}

/** @param {string} version */
function isNewEnough(version) {
  const [major = 0, minor = 0] = version.split('.').map(Number);
  return major > OLDEST.major || (major === OLDEST.major && minor >= OLDEST.minor);
}

/** @param {Python} python */
function lacksVenv({ command, version }) {
  const minor = version.split('.').slice(0, 2).join('.');
  return new SetupFailure(
    `${command} (Python ${version}) cannot make virtual environments: its module ensurepip is missing`,
    `On Debian and Ubuntu: apt install python${minor}-venv. Or name another Python with COILYARD_PYTHON.`,
  );
}
