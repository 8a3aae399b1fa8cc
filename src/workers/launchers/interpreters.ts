/** The interpreters of this machine, each looked at once before anything is started with it. */

import { type ChildProcess, execFile } from 'node:child_process';
import { join } from 'node:path';
import { CoilyardError } from '../../kernel/errors.js';
import { checkProbe, findInterpreter, findPackageRoot, type Interpreter, notRunnable, PROBE } from '../interpreter.js';
import { pythonEnvironment } from './worker-command.js';

/** How long an interpreter may take to say what it is. */
const PROBE_TIMEOUT_MS = 15_000;

export interface InterpretersOptions {
  /** What Python inherits. Default: the environment of this process. */
  readonly env?: NodeJS.ProcessEnv;
  /** Default: the working directory of this process. */
  readonly cwd?: string;
}

export interface FitInterpreter {
  readonly interpreter: Interpreter;
  readonly env: NodeJS.ProcessEnv;
  readonly cwd: string;
}

export class Interpreters {
  readonly #env: NodeJS.ProcessEnv;
  readonly #cwd: string;
  readonly #probing = new Set<ChildProcess>();
  #isClosed = false;
  /** Interpreters that were seen to work. A failure is not kept, so that a mended environment works at once. */
  readonly #fit = new Map<string, Promise<string>>();

  constructor({ env = process.env, cwd = process.cwd() }: InterpretersOptions) {
    this.#env = env;
    this.#cwd = cwd;
  }

  /** @throws CoilyardError `pool_unavailable` with the remedy when the SDK cannot run on it. */
  async find(python: string | undefined, own: Readonly<Record<string, string>>): Promise<FitInterpreter> {
    const packageRoot = findPackageRoot();
    const env = pythonEnvironment(this.#env, own, join(packageRoot, 'python', 'src'));
    const interpreter = findInterpreter(python, { env, cwd: this.#cwd, packageRoot });
    await this.#probeOnce(interpreter, env);
    if (this.#isClosed) throw closed();
    return { interpreter, env, cwd: this.#cwd };
  }

  /** Finds none from now on: nothing more is to be started. */
  close(): void {
    this.#isClosed = true;
    for (const child of this.#probing) child.kill('SIGKILL');
  }

  #probeOnce(interpreter: Interpreter, env: NodeJS.ProcessEnv): Promise<string> {
    if (this.#isClosed) throw closed();
    const key = `${interpreter.command}\0${env.PYTHONPATH}`;
    const running = this.#fit.get(key) ?? probe(interpreter, env, this.#cwd, this.#probing);
    this.#fit.set(key, running);
    running.catch(() => this.#fit.delete(key));
    return running;
  }
}

/** The process id once the process runs; the error when it could not be started. */
export function startOf(child: ChildProcess, interpreter: Interpreter): Promise<number> {
  return new Promise((resolve, reject) => {
    child.on('error', (cause) => reject(notRunnable(interpreter, cause)));
    child.once('spawn', () => {
      if (child.pid === undefined) reject(notRunnable(interpreter, new Error('the process has no id')));
      else resolve(child.pid);
    });
  });
}

const closed = (): CoilyardError => new CoilyardError('pool_unavailable', 'the runtime is stopping');

/** @param probing has its process as long as it runs. */
function probe(
  interpreter: Interpreter,
  env: NodeJS.ProcessEnv,
  cwd: string,
  probing: Set<ChildProcess>,
): Promise<string> {
  return new Promise((resolve, reject) => {
    const child = execFile(
      interpreter.command,
      ['-c', PROBE],
      { env, cwd, timeout: PROBE_TIMEOUT_MS, killSignal: 'SIGKILL', windowsHide: true },
      (error, stdout) => {
        probing.delete(child);
        // An interpreter that exists but fails is judged by what it printed.
        if (error !== null && stdout === '') reject(notRunnable(interpreter, error));
        else
          try {
            checkProbe(interpreter, stdout);
            resolve(interpreter.command);
          } catch (unfit) {
            reject(unfit);
          }
      },
    );
    probing.add(child);
  });
}
