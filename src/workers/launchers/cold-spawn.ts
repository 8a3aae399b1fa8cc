/**
 * Starts workers as plain child processes: `python -m coilyard.worker`. The only file that touches child processes.
 *
 * Each worker leads its own process group, so that a signal reaches what it started and a terminal's Ctrl-C does not
 * reach it. Its stdin is the death pipe: when this process ends, however it ends, the worker reads the end of it and
 * goes. Its output is text for people, never a protocol.
 */

import { type ChildProcess, execFile, spawn } from 'node:child_process';
import { delimiter, join } from 'node:path';
import type { Clock } from '../../kernel/clock.js';
import { checkProbe, findInterpreter, findPackageRoot, type Interpreter, notRunnable, PROBE } from '../interpreter.js';
import type { Launched, LaunchedExit, Launcher, LaunchOrder } from '../launcher.js';
import { LastLines, LineSplitter } from './lines.js';

export interface ColdSpawnOptions {
  readonly clock: Clock;
  /** What the workers inherit. Default: the environment of this process. */
  readonly env?: NodeJS.ProcessEnv;
  /** Default: the working directory of this process. */
  readonly cwd?: string;
  /** Lines of stderr kept for the exit record. Default 50. */
  readonly stderrLines?: number;
}

/** How long an interpreter may take to say what it is. */
const PROBE_TIMEOUT_MS = 15_000;

/** How long the output of a dead worker is waited for: a grandchild may hold the pipes open for ever. */
const OUTPUT_GRACE_MS = 200;

export function coldSpawn(options: ColdSpawnOptions): Launcher {
  return new ColdSpawn(options);
}

class ColdSpawn implements Launcher {
  readonly #clock: Clock;
  readonly #env: NodeJS.ProcessEnv;
  readonly #cwd: string;
  readonly #stderrLines: number;
  /** Interpreters that were seen to work. A failure is not kept, so that a mended environment works at once. */
  readonly #fit = new Map<string, Promise<string>>();

  constructor(options: ColdSpawnOptions) {
    this.#clock = options.clock;
    this.#env = options.env ?? process.env;
    this.#cwd = options.cwd ?? process.cwd();
    this.#stderrLines = options.stderrLines ?? 50;
  }

  async launch(order: LaunchOrder): Promise<Launched> {
    const packageRoot = findPackageRoot();
    const env = this.#environment(order, join(packageRoot, 'python', 'src'));
    const interpreter = findInterpreter(order.python, { env, cwd: this.#cwd, packageRoot });
    await this.#probeOnce(interpreter, env);
    const child = spawn(interpreter.command, argumentsOf(order), {
      cwd: this.#cwd,
      env: { ...env, COILYARD_WORKER_TOKEN: order.token },
      detached: true,
      windowsHide: true,
      stdio: ['pipe', 'pipe', 'pipe'],
    });
    const exited = this.#watch(child, order.onLine);
    const pid = await startOf(child, interpreter);
    return { pid, exited, kill: (signal) => killGroup(child, pid, signal) };
  }

  #environment(order: LaunchOrder, sdk: string): Record<string, string | undefined> {
    const env: Record<string, string | undefined> = {
      PYTHONUNBUFFERED: '1',
      PYTHONFAULTHANDLER: '1',
      PYTHONSAFEPATH: '1',
      // LiteLLM would otherwise fetch its price list from the network when it is imported.
      LITELLM_LOCAL_MODEL_COST_MAP: 'True',
      ...this.#env,
      ...order.env,
    };
    const inherited = env.PYTHONPATH;
    return { ...env, PYTHONPATH: inherited ? `${sdk}${delimiter}${inherited}` : sdk };
  }

  #probeOnce(interpreter: Interpreter, env: NodeJS.ProcessEnv): Promise<string> {
    const key = `${interpreter.command}\0${env.PYTHONPATH}`;
    const running = this.#fit.get(key) ?? probe(interpreter, env, this.#cwd);
    this.#fit.set(key, running);
    running.catch(() => this.#fit.delete(key));
    return running;
  }

  /** Reads the output to its end and resolves when the process is gone and its output is read. */
  #watch(child: ChildProcess, onLine: (line: string) => void): Promise<LaunchedExit> {
    const lastLines = new LastLines(this.#stderrLines);
    const stdout = new LineSplitter(onLine);
    const stderr = new LineSplitter((line) => {
      lastLines.push(line);
      onLine(line);
    });
    child.stdout?.setEncoding('utf8').on('data', (text: string) => stdout.push(text));
    child.stderr?.setEncoding('utf8').on('data', (text: string) => stderr.push(text));
    // A pipe breaks when the process dies while it is written to or read; its exit says all there is to say.
    for (const pipe of child.stdio) pipe?.on('error', () => {});

    return new Promise((resolve) => {
      child.once('exit', (code, signal) => {
        // What the worker started and left behind goes with it.
        if (child.pid !== undefined) killGroup(child, child.pid, 'SIGKILL');
        const done = (): void => {
          timer.cancel();
          child.removeListener('close', done);
          for (const pipe of child.stdio) pipe?.destroy();
          stdout.end();
          stderr.end();
          resolve({ signal, code, stderr: lastLines.snapshot() });
        };
        const timer = this.#clock.setTimer(OUTPUT_GRACE_MS, done);
        child.once('close', done);
      });
    });
  }
}

function argumentsOf(order: LaunchOrder): string[] {
  return [
    '-m',
    'coilyard.worker',
    '--gateway',
    order.gateway,
    '--worker-id',
    order.workerId,
    '--incarnation',
    String(order.incarnation),
    '--concurrency',
    String(order.concurrency),
    '--heartbeat-interval-ms',
    String(order.heartbeatIntervalMs),
    ...order.imports.flatMap((name) => ['--import', name]),
    ...order.paths.flatMap((path) => ['--path', path]),
    '--die-with-stdin',
  ];
}

/** The process id once the process runs; the error when it could not be started. */
function startOf(child: ChildProcess, interpreter: Interpreter): Promise<number> {
  return new Promise((resolve, reject) => {
    child.on('error', (cause) => reject(notRunnable(interpreter, cause)));
    child.once('spawn', () => {
      if (child.pid === undefined) reject(notRunnable(interpreter, new Error('the process has no id')));
      else resolve(child.pid);
    });
  });
}

/** A negative id addresses the group that the worker leads; Windows has no groups. */
function killGroup(child: ChildProcess, pid: number, signal: 'SIGTERM' | 'SIGKILL'): void {
  try {
    if (process.platform === 'win32') child.kill(signal);
    else process.kill(-pid, signal);
  } catch (error) {
    // ESRCH: nobody is left in the group. On macOS a group of zombies answers EPERM.
    if (!isGone(error)) throw error;
  }
}

const isGone = (error: unknown): boolean =>
  error instanceof Error && 'code' in error && (error.code === 'ESRCH' || error.code === 'EPERM');

function probe(interpreter: Interpreter, env: NodeJS.ProcessEnv, cwd: string): Promise<string> {
  return new Promise((resolve, reject) => {
    execFile(
      interpreter.command,
      ['-c', PROBE],
      { env, cwd, timeout: PROBE_TIMEOUT_MS, killSignal: 'SIGKILL', windowsHide: true },
      (error, stdout) => {
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
  });
}
