/**
 * Starts workers as plain child processes: `python -m coilyard.worker`.
 *
 * Each worker leads its own process group, so that a signal reaches what it started and a terminal's Ctrl-C does not
 * reach it. Its stdin is the death pipe: when this process ends, however it ends, the worker reads the end of it and
 * goes. On Linux the process that is started here stays above the worker as its guardian (`coilyard._guardian`). Its
 * output is text for people, never a protocol.
 */

import { type ChildProcess, spawn } from 'node:child_process';
import type { Clock } from '../../kernel/clock.js';
import type { Launched, LaunchedExit, Launcher, LaunchOrder } from '../launcher.js';
import { Interpreters, type InterpretersOptions, startOf } from './interpreters.js';
import { untilGroupEnds } from './group-end.js';
import { killChild } from './kill-group.js';
import { Living } from './living.js';
import { ProcessOutput } from './process-output.js';
import { workerArguments } from './worker-command.js';

export interface ColdSpawnOptions extends InterpretersOptions {
  readonly clock: Clock;
  /** Lines of stderr kept for the exit record. Default 50. */
  readonly stderrLines?: number;
}

/**
 * How long a guardian is given to kill its charge and all below it. It takes milliseconds and never hangs, but it needs the
 * processor: killed before it had its turn, it would leave behind what only it can find.
 */
const GUARDIAN_MS = 2_500;

/** How long a dead worker's group is waited for after SIGKILL. */
const GROUP_MS = 2_000;

export const STDERR_LINES = 50;

export function coldSpawn(options: ColdSpawnOptions): Launcher {
  return new ColdSpawn(options);
}

class ColdSpawn implements Launcher {
  readonly #clock: Clock;
  readonly #stderrLines: number;
  readonly #interpreters: Interpreters;
  readonly #living = new Living();

  constructor(options: ColdSpawnOptions) {
    this.#clock = options.clock;
    this.#stderrLines = options.stderrLines ?? STDERR_LINES;
    this.#interpreters = new Interpreters(options);
  }

  launch(order: LaunchOrder): Promise<Launched> {
    const launching = this.#launch(order);
    this.#living.add(launching.then(({ exited }) => exited));
    return launching;
  }

  close(): Promise<void> {
    this.#interpreters.close();
    return this.#living.none();
  }

  async #launch(order: LaunchOrder): Promise<Launched> {
    const { interpreter, env, cwd } = await this.#interpreters.find(order.python, order.env);
    const child = spawn(interpreter.command, ['-m', 'coilyard.worker', ...workerArguments(order)], {
      cwd,
      env: { ...env, COILYARD_WORKER_TOKEN: order.token },
      detached: true,
      windowsHide: true,
      stdio: ['pipe', 'pipe', 'pipe'],
    });
    const exited = this.#watch(child, order.onLine);
    const pid = await startOf(child, interpreter);
    return {
      pid,
      exited,
      kill: (signal) => {
        if (signal === 'SIGKILL' && process.platform === 'linux') this.#end(child, pid, exited);
        else killChild(child, pid, signal);
      },
    };
  }

  /**
   * The end of the death pipe makes the guardian kill whatever the worker started, also what left its group, which no
   * signal from here would find. A guardian that was stopped has to be woken; where there is none the signal comes.
   */
  #end(child: ChildProcess, pid: number, exited: Promise<LaunchedExit>): void {
    child.stdin?.destroy();
    child.kill('SIGCONT');
    const timer = this.#clock.setTimer(GUARDIAN_MS, () => killChild(child, pid, 'SIGKILL'));
    exited.then(() => timer.cancel());
  }

  /** Reads the output to its end and resolves when the process is gone and its output is read. */
  #watch(child: ChildProcess, onLine: (line: string) => void): Promise<LaunchedExit> {
    const output = new ProcessOutput(this.#clock, 2, this.#stderrLines, onLine);
    if (child.stdout !== null) output.read(child.stdout, 'stdout');
    if (child.stderr !== null) output.read(child.stderr, 'stderr');
    // The death pipe breaks when the process dies.
    child.stdin?.on('error', () => {});
    return new Promise((resolve) => {
      child.once('exit', async (code, signal) => {
        const { pid } = child;
        // What the worker started and left behind goes with it.
        if (pid !== undefined) killChild(child, pid, 'SIGKILL');
        const stderr = await output.finish();
        child.stdin?.destroy();
        if (pid !== undefined) await untilGroupEnds(this.#clock, pid, GROUP_MS);
        resolve({ signal, code, stderr });
      });
    });
  }
}
