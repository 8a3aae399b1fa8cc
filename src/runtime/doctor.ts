/**
 * Looks at everything that a runtime with Python workers needs, and says for each what was found and what mends it. The
 * interpreter is judged by what a pool itself asks before it starts a worker, so both say the same.
 */

import { existsSync } from 'node:fs';
import { createServer } from 'node:net';
import { basename, dirname, join, resolve } from 'node:path';
import type { RuntimeOptions } from '../config.js';
import { addressOf, DEFAULT_HOST } from '../gateway/listener.js';
import { systemClock, systemRandom } from '../kernel/clock.js';
import { CoilyardError, describeThrown } from '../kernel/errors.js';
import { hasLocalSockets } from '../workers/local-address.js';
import { LocalDoor } from '../workers/local-door.js';
import { type Examination, examine } from '../workers/launchers/examination.js';
import { type FitInterpreter, Interpreters, type InterpretersOptions } from '../workers/launchers/interpreters.js';
import { type PoolOptions, poolSettings } from '../workers/pool-options.js';

export interface Finding {
  /** What was looked at: `node`, `python (pool default)`, … */
  readonly check: string;
  /** `warn`: it works, and could work better. */
  readonly outcome: 'ok' | 'warn' | 'fail';
  readonly found: string;
  /** The command that mends it. */
  readonly remedy?: string;
}

export interface DoctorOptions extends InterpretersOptions {
  readonly runtime?: RuntimeOptions;
  /** Default: that of this process. */
  readonly nodeVersion?: string;
}

const INSTALL_PYTHON =
  process.platform === 'darwin' ? 'brew install python' : 'sudo apt-get install python3 python3-venv';

const OLDEST_NODE = [20, 19] as const;

/** Distributions with the oldest version that will do; those without one are extras. */
const PACKAGES: Readonly<Record<string, readonly [major: number, minor: number] | undefined>> = {
  grpcio: [1, 62],
  protobuf: [4, 25],
  dspy: undefined,
  numpy: undefined,
  optuna: undefined,
};

/** Never rejects: what cannot be looked at is a finding. */
export async function diagnose(options: DoctorOptions = {}): Promise<readonly Finding[]> {
  const { runtime = {}, nodeVersion = process.versions.node } = options;
  const findings = [checkNode(nodeVersion)];
  const pools = runtime.python === false ? {} : (runtime.python?.pools ?? { default: {} });
  const interpreters = new Interpreters(options);
  for (const [name, pool] of Object.entries(pools))
    findings.push(...(await checkPool(name, pool, interpreters, options)));
  if (runtime.python !== false && hasLocalSockets && (runtime.python?.carrier ?? 'local') === 'local')
    findings.push(await checkLocalSocket(runtime.python?.carrier === 'local'));
  if (runtime.gateway !== false)
    findings.push(await checkPort(runtime.gateway?.host ?? DEFAULT_HOST, runtime.gateway?.port ?? 0));
  return findings;
}

function checkNode(version: string): Finding {
  const found = `Node.js ${version}`;
  if (isAtLeast(version, OLDEST_NODE)) return { check: 'node', outcome: 'ok', found };
  return {
    check: 'node',
    outcome: 'fail',
    found: `${found}, older than ${OLDEST_NODE.join('.')}`,
    remedy: 'nvm install 20',
  };
}

async function checkPool(
  name: string,
  pool: PoolOptions,
  interpreters: Interpreters,
  { cwd = process.cwd() }: InterpretersOptions,
): Promise<Finding[]> {
  const check = (what: string): string => `${what} (pool ${name})`;
  let fit: FitInterpreter;
  try {
    poolSettings(name, pool);
  } catch (error) {
    return [{ check: check('options'), outcome: 'fail', found: describeThrown(error) }];
  }
  try {
    fit = await interpreters.find(pool.python, pool.env ?? {});
  } catch (error) {
    return [{ check: check('python'), outcome: 'fail', found: describeThrown(error), remedy: remedyIn(error) }];
  }
  const python = fit.interpreter.command;
  const paths = (pool.paths ?? []).map((path) => resolve(cwd, path));
  try {
    const asked = { packages: Object.keys(PACKAGES), modules: pool.imports ?? [], paths };
    const seen = await examine(fit, asked);
    const found = `Python ${seen.version}, ${python} (from ${fit.interpreter.origin})`;
    return [
      { check: check('python'), outcome: 'ok', found },
      environmentOf(check('environment'), seen, python),
      ...packagesOf(check, seen, python),
      ...modulesOf(check('imports'), seen, pool, python),
      forkOf(check('fork'), seen, pool),
    ];
  } catch (error) {
    return [{ check: check('python'), outcome: 'fail', found: describeThrown(error), remedy: `${python} --version` }];
  }
}

function environmentOf(check: string, { isVirtual }: Examination, python: string): Finding {
  if (isVirtual) return { check, outcome: 'ok', found: 'a virtual environment' };
  const remedy = `${python} -m venv .venv && ${join('.venv', 'bin', 'pip')} install grpcio protobuf dspy`;
  return { check, outcome: 'warn', found: 'the packages of the system, which other programs share', remedy };
}

function packagesOf(check: (what: string) => string, { packages }: Examination, python: string): Finding[] {
  return Object.entries(PACKAGES).map(([name, oldest]) => {
    const version = packages[name] ?? null;
    const install = `${python} -m pip install --upgrade ${name}`;
    if (version === null)
      return oldest === undefined
        ? {
            check: check(name),
            outcome: 'warn',
            found: 'not installed; only code that uses it needs it',
            remedy: install,
          }
        : { check: check(name), outcome: 'fail', found: 'not installed', remedy: install };
    if (oldest === undefined || isAtLeast(version, oldest))
      return { check: check(name), outcome: 'ok', found: version };
    return {
      check: check(name),
      outcome: 'fail',
      found: `${version}, older than ${oldest.join('.')}`,
      remedy: install,
    };
  });
}

function modulesOf(
  check: string,
  { missingModules, brokenModules = {} }: Examination,
  pool: PoolOptions,
  python: string,
): Finding[] {
  const imports = pool.imports ?? [];
  if (imports.length === 0) return [];
  const [broken] = Object.entries(brokenModules);
  if (broken !== undefined && missingModules.length === 0) {
    const [module, reason] = broken;
    return [
      {
        check,
        outcome: 'fail',
        found: `cannot import ${module}: ${reason}`,
        remedy: `${python} -c 'import ${module}'`,
      },
    ];
  }
  if (missingModules.length === 0) return [{ check, outcome: 'ok', found: imports.join(', ') }];
  const found = `cannot be found: ${missingModules.join(', ')}`;
  const remedy = `${python} -m pip install ${missingModules.join(' ')}  # or name their directory in the pool option paths`;
  return [{ check, outcome: 'fail', found, remedy }];
}

function forkOf(check: string, { canFork }: Examination, pool: PoolOptions): Finding {
  if (pool.start === 'spawn') return { check, outcome: 'ok', found: 'not asked for: workers are started cold' };
  if (canFork) return { check, outcome: 'ok', found: 'workers can be forked from a warm interpreter' };
  return {
    check,
    outcome: pool.start === 'zygote' ? 'fail' : 'warn',
    found: 'this system does not fork safely: workers are started cold, which takes longer',
    remedy: "start: 'spawn' in the pool's options says that this is meant",
  };
}

async function checkLocalSocket(isMeant: boolean): Promise<Finding> {
  const check = 'local socket';
  const registry = { accept: () => ({ receive: () => {}, closed: () => {} }) };
  try {
    const door = await LocalDoor.open({ registry, clock: systemClock, random: systemRandom });
    await door.close();
    return { check, outcome: 'ok', found: 'workers of this machine need not attach over gRPC' };
  } catch (error) {
    const found = `${describeThrown(error)}${isMeant ? '' : ': workers attach over gRPC, which takes longer'}`;
    const remedy = "carrier: 'grpc' in the Python options says that this is meant";
    return { check, outcome: isMeant ? 'fail' : 'warn', found, remedy };
  }
}

function checkPort(host: string, port: number): Promise<Finding> {
  const check = 'gateway';
  const where = addressOf(host, port);
  return new Promise((done) => {
    const server = createServer();
    server.once('error', (error: NodeJS.ErrnoException) =>
      done({
        check,
        outcome: 'fail',
        found: `${where} cannot be listened on: ${error.code ?? error.message}`,
        remedy:
          error.code === 'EADDRINUSE' ? `ss -ltnp 'sport = :${port}'` : `coilyard start --host 127.0.0.1 --port 0`,
      }),
    );
    server.listen({ host, port, exclusive: true }, () =>
      server.close(() =>
        done({ check, outcome: 'ok', found: port === 0 ? `${host}, any free port` : `${where} is free` }),
      ),
    );
  });
}

function remedyIn(error: unknown): string {
  const { remedy, missing, origin, python } = error instanceof CoilyardError ? error.details : {};
  if (missing === undefined && (origin === 'VIRTUAL_ENV' || origin === 'COILYARD_PYTHON')) return `unset ${origin}`;
  if (missing === undefined && origin === 'PATH') return INSTALL_PYTHON;
  if (missing === undefined && typeof python === 'string') return remedyFor(python);
  const text = typeof remedy === 'string' ? remedy : 'npm install coilyard';
  // The message has it as a sentence; here it is to be copied.
  return text.replace(/^Install (it|them): /, '');
}

/** For an interpreter that is not there, or does not do: one in a virtual environment, where there is to be one. */
function remedyFor(python: string): string {
  if (basename(python) === python) return INSTALL_PYTHON;
  const root = ['bin', 'Scripts'].includes(basename(dirname(python))) ? dirname(dirname(python)) : python;
  if (!existsSync(python)) return `python3 -m venv ${root}`;
  if (existsSync(join(root, 'pyvenv.cfg'))) return `python3 -m venv --clear ${root}`;
  return "python3 -m venv .venv  # and name it: python: '.venv' in the pool's options";
}

function isAtLeast(version: string, [major, minor]: readonly [number, number]): boolean {
  const [haveMajor = 0, haveMinor = 0] = version.split('.').map(Number);
  return haveMajor > major || (haveMajor === major && haveMinor >= minor);
}
