/**
 * Which Python runs the workers, and what to say when it cannot. Everything here is a function of its arguments;
 * `launchers/cold-spawn.ts` runs what is decided here.
 */

import { existsSync, statSync } from 'node:fs';
import { dirname, isAbsolute, join, resolve } from 'node:path';
import { fileURLToPath } from 'node:url';
import { CoilyardError } from '../kernel/errors.js';

export interface Surroundings {
  readonly env: Readonly<Record<string, string | undefined>>;
  readonly cwd: string;
  /** Where this package is installed. */
  readonly packageRoot: string;
}

export interface Interpreter {
  /** A path, or a name to look up on PATH. */
  readonly command: string;
  /** Who asked for it, for messages: `the pool option python`, `COILYARD_PYTHON`, … */
  readonly origin: string;
}

/** The oldest Python that the SDK runs on. */
const OLDEST: readonly [major: number, minor: number] = [3, 10];

/**
 * The first that applies: the pool option `python`, COILYARD_PYTHON, VIRTUAL_ENV, `.venv` in the working directory,
 * `.venv` of this package, `python3` on PATH. What was asked for by name is never replaced by something else.
 *
 * @param asked an interpreter, or the directory of a virtual environment.
 */
export function findInterpreter(asked: string | undefined, surroundings: Surroundings): Interpreter {
  const { env, cwd, packageRoot } = surroundings;
  const named: readonly [string | undefined, string][] = [
    [asked, 'the pool option python'],
    [env.COILYARD_PYTHON, 'COILYARD_PYTHON'],
    [env.VIRTUAL_ENV, 'VIRTUAL_ENV'],
  ];
  for (const [place, origin] of named) if (place) return { command: interpreterAt(place, cwd), origin };
  for (const place of [join(cwd, '.venv'), join(packageRoot, '.venv')])
    if (existsSync(venvPython(place))) return { command: venvPython(place), origin: place };
  return { command: process.platform === 'win32' ? 'python' : 'python3', origin: 'PATH' };
}

/** A bare name is looked up on PATH; a directory is a virtual environment; anything else is the interpreter itself. */
function interpreterAt(place: string, cwd: string): string {
  if (!place.includes('/') && !place.includes('\\') && !existsSync(resolve(cwd, place))) return place;
  const path = isAbsolute(place) ? place : resolve(cwd, place);
  return statSync(path, { throwIfNoEntry: false })?.isDirectory() ? venvPython(path) : path;
}

const venvPython = (venv: string): string =>
  process.platform === 'win32' ? join(venv, 'Scripts', 'python.exe') : join(venv, 'bin', 'python');

/**
 * Prints one line of JSON about the interpreter that runs it: its version, and which packages the SDK needs and it
 * lacks. It looks for the packages without importing them, which would take ten times as long.
 */
export const PROBE = `
import importlib.util, json, sys
def lacks(name):
    try:
        return importlib.util.find_spec(name) is None
    except ImportError:
        return True
print(json.dumps({
    "version": list(sys.version_info[:3]),
    "missing": [p for p, m in (("grpcio", "grpc"), ("protobuf", "google.protobuf")) if lacks(m)],
}))
`;

/** Throws `pool_unavailable` with the remedy unless the probe's output says that the SDK can run. */
export function checkProbe(interpreter: Interpreter, stdout: string): void {
  const found = parseProbe(stdout);
  if (found === undefined)
    throw unfit(interpreter, 'is not a Python interpreter that works', NAME_ANOTHER, { stdout: stdout.slice(0, 500) });
  const [major = 0, minor = 0] = found.version;
  if (major < OLDEST[0] || (major === OLDEST[0] && minor < OLDEST[1]))
    throw unfit(interpreter, `is Python ${found.version.join('.')}, too old`, NAME_ANOTHER, { version: found.version });
  if (found.missing.length > 0)
    throw unfit(
      interpreter,
      `lacks ${found.missing.join(' and ')}`,
      `Install ${found.missing.length === 1 ? 'it' : 'them'}: ${interpreter.command} -m pip install ${found.missing.join(' ')}`,
      { missing: found.missing },
    );
}

/** The error for an interpreter that could not be started at all. */
export function notRunnable(interpreter: Interpreter, cause: unknown): CoilyardError {
  const why = whyNot(cause);
  return unfit(interpreter, why === '' ? 'cannot be started' : `cannot be started: ${why}`, NAME_ANOTHER, {}, cause);
}

/** What Node says of a process that did not start, or did not end as it should. */
function whyNot(cause: unknown): string {
  if (!(cause instanceof Error)) return '';
  const [code, killed, signal]: readonly unknown[] = ['code', 'killed', 'signal'].map((key) => Reflect.get(cause, key));
  if (code === 'ENOENT') return 'there is no such file';
  if (code === 'EACCES') return 'it may not be executed';
  if (killed === true) return 'it did not answer in time';
  if (typeof signal === 'string') return `it was ended by ${signal}`;
  return typeof code === 'number' ? `it ended with exit code ${code}` : String(code ?? '');
}

const NAME_ANOTHER = `Install Python ${OLDEST.join('.')} or newer, or name one: the pool option python, or COILYARD_PYTHON`;

function unfit(
  { command, origin }: Interpreter,
  what: string,
  remedy: string,
  details: Record<string, unknown>,
  cause?: unknown,
): CoilyardError {
  return new CoilyardError('pool_unavailable', `${command} (from ${origin}) ${what}. ${remedy}.`, {
    details: { ...details, python: command, origin, remedy },
    cause,
  });
}

function parseProbe(stdout: string): { version: readonly number[]; missing: readonly string[] } | undefined {
  try {
    const { version, missing }: { version: unknown; missing: unknown } = JSON.parse(lastLine(stdout));
    if (!Array.isArray(version) || !version.every(Number.isInteger)) return undefined;
    if (!Array.isArray(missing) || !missing.every((name) => typeof name === 'string')) return undefined;
    return { version, missing };
  } catch {
    return undefined;
  }
}

/** Start-up files of a site may print before the probe does. */
const lastLine = (text: string): string => text.trimEnd().split('\n').at(-1) ?? '';

/**
 * The directory that holds this package's `python/src`, both from source and from `dist`. Workers import the SDK from
 * there, so that both sides always have the same version.
 */
export function findPackageRoot(from: string = dirname(fileURLToPath(import.meta.url))): string {
  for (let directory = from; ; directory = dirname(directory)) {
    if (existsSync(join(directory, 'python', 'src', 'coilyard'))) return directory;
    if (dirname(directory) === directory)
      throw new CoilyardError('pool_unavailable', 'the Python side of coilyard is missing. Reinstall the package.', {
        details: { searchedFrom: from },
      });
  }
}
