/**
 * One life of a zygote: a warm Python process that forks workers on request. It starts, forks and reports; who restarts
 * it, and what happens when it will not fork, is decided elsewhere.
 */

import { type ChildProcess, spawn } from 'node:child_process';
import { Duplex } from 'node:stream';
import type { Clock, Random } from '../../kernel/clock.js';
import { CoilyardError, toCoilyardError } from '../../kernel/errors.js';
import { type Deferred, deferred } from '../../kernel/deferred.js';
import type { Launched, LaunchedExit, LaunchOrder } from '../launcher.js';
import { STDERR_LINES } from './cold-spawn.js';
import { type FitInterpreter, startOf } from './interpreters.js';
import { untilGroupEnds } from './group-end.js';
import { killGroup } from './kill-group.js';
import { ProcessOutput } from './process-output.js';
import { importArguments, workerArguments } from './worker-command.js';
import { WorkerLines } from './worker-lines.js';
import { encodeZygoteFrame, type ZygoteFrame, ZygoteFrameReader } from './zygote-frames.js';

/** A fork takes milliseconds; one that is not answered for so long never will be. */
const FORK_TIMEOUT_MS = 10_000;
/** A worker's line ends with it; a zygote that says nothing of its death for so long hangs. */
const REPORT_TIMEOUT_MS = 3_000;
/** How long the guardian is given to kill everything before it is killed itself: it never hangs, but needs the processor. */
const KILL_GRACE_MS = 4_000;

export interface ZygoteSpec {
  readonly clock: Clock;
  readonly random: Random;
  readonly python: FitInterpreter;
  readonly imports: readonly string[];
  readonly paths: readonly string[];
  readonly preload?: readonly string[];
  /** Takes each line that the zygote itself prints. */
  readonly onLine: (line: string) => void;
}

export interface ZygoteVerdict {
  /** Why it cannot fork; empty when it can. */
  readonly objections: readonly string[];
  readonly importMs: number;
}

/** The zygote will not fork now: whoever can start the worker in another way may. */
export class ForkRefused extends Error {
  readonly objections: readonly string[];

  constructor(objections: readonly string[]) {
    super(`it is unsafe to fork: ${objections.join('; ')}`);
    this.name = 'ForkRefused';
    this.objections = objections;
  }
}

interface Forked {
  readonly output: ProcessOutput;
  readonly exited: Deferred<LaunchedExit>;
  readonly keys: readonly string[];
}

interface PendingFork extends Forked {
  readonly launched: Deferred<Launched>;
}

export class Zygote {
  /** Resolves when its imports are done; rejects with a `CoilyardError` when they fail or it dies before. */
  readonly ready: Promise<ZygoteVerdict>;
  /** Resolves, never rejects, as soon as nothing can be forked any more. */
  readonly lost: Promise<void>;
  /** Resolves, never rejects, once the process and everything below it have ended. */
  readonly exited: Promise<LaunchedExit>;
  readonly #spec: ZygoteSpec;
  readonly #child: ChildProcess;
  readonly #channel: Duplex;
  readonly #lines: WorkerLines;
  readonly #ready = deferred<ZygoteVerdict>();
  readonly #lost = deferred<void>();
  readonly #pending = new Map<number, PendingFork>();
  readonly #forked = new Map<number, Forked>();
  #nextId = 1;
  #isOver = false;

  /** @throws CoilyardError `pool_unavailable` when the interpreter cannot be started. */
  static async start(spec: ZygoteSpec): Promise<Zygote> {
    const lines = await WorkerLines.listen(spec.clock, spec.random);
    try {
      const { interpreter, env, cwd } = spec.python;
      const child = spawn(interpreter.command, ['-m', 'coilyard.zygote', ...importArguments(spec)], {
        cwd,
        env,
        detached: true,
        // The first is the death pipe, the last the private channel.
        stdio: ['pipe', 'pipe', 'pipe', 'pipe'],
      });
      const zygote = new Zygote(spec, child, lines);
      await startOf(child, interpreter);
      return zygote;
    } catch (error) {
      lines.close();
      throw error;
    }
  }

  private constructor(spec: ZygoteSpec, child: ChildProcess, lines: WorkerLines) {
    this.#spec = spec;
    this.#child = child;
    this.#lines = lines;
    this.ready = this.#ready.promise;
    this.lost = this.#lost.promise;
    // Also rejected when nobody waits any more.
    this.ready.catch(() => {});
    const channel = child.stdio[3];
    if (!(channel instanceof Duplex)) throw new TypeError('a pipe of a child goes both ways');
    this.#channel = channel;
    const reader = new ZygoteFrameReader();
    channel.on('data', (chunk: Buffer) => this.#hear(reader, chunk));
    // A broken channel and a broken death pipe close; that is what is looked at.
    channel.on('error', () => {}).on('close', () => this.#over('its channel closed'));
    child.stdin?.on('error', () => {});
    this.exited = this.#watch();
  }

  get pid(): number | undefined {
    return this.#child.pid;
  }

  /**
   * Forks one worker.
   *
   * @throws ForkRefused when it is unsafe to fork now; ZygoteLost when it ended before; CoilyardError `pool_unavailable`
   * when it failed.
   */
  fork(order: LaunchOrder): Promise<Launched> {
    if (this.#isOver) return Promise.reject(new ZygoteLost('it has ended'));
    const { clock, random } = this.#spec;
    const id = this.#nextId++;
    const keys = [random.token(16), random.token(16)] as const;
    const output = new ProcessOutput(clock, 2, STDERR_LINES, order.onLine);
    this.#lines.expect(keys[0], (line) => output.read(line, 'stdout'));
    this.#lines.expect(keys[1], (line) => output.read(line, 'stderr'));
    const fork: PendingFork = { output, keys, exited: deferred(), launched: deferred() };
    output.ended.then(() => this.#expectReport(fork));
    this.#pending.set(id, fork);
    const timer = clock.setTimer(FORK_TIMEOUT_MS, () => this.kill(), { keepAlive: false });
    const settled = (): void => timer.cancel();
    fork.launched.promise.then(settled, settled);
    this.#channel.write(
      encodeZygoteFrame({
        type: 'fork',
        id,
        worker: `${order.workerId}/${order.incarnation}`,
        arguments: workerArguments(order),
        token: order.token,
        mark: random.token(16),
        lines: this.#lines.name,
        keys,
      }),
    );
    return fork.launched.promise;
  }

  /** Ends it and everything below it. Idempotent. */
  kill(): void {
    const { pid } = this.#child;
    if (this.#child.exitCode !== null || this.#child.signalCode !== null || pid === undefined) return;
    // The end of the death pipe makes the guardian kill everything; a guardian that was stopped has to hear of it.
    this.#child.stdin?.destroy();
    this.#child.kill('SIGCONT');
    const timer = this.#spec.clock.setTimer(KILL_GRACE_MS, () => killGroup(pid, 'SIGKILL'));
    this.exited.then(() => timer.cancel());
  }

  async #watch(): Promise<LaunchedExit> {
    const output = new ProcessOutput(this.#spec.clock, 2, STDERR_LINES, this.#spec.onLine);
    if (this.#child.stdout !== null) output.read(this.#child.stdout, 'stdout');
    if (this.#child.stderr !== null) output.read(this.#child.stderr, 'stderr');
    const [code, signal] = await new Promise<[number | null, string | null]>((resolve) => {
      this.#child.once('exit', (...ending) => resolve(ending));
      this.#child.once('error', () => resolve([null, null]));
    });
    const stderr = await output.finish();
    const orphans = [...this.#forked.values()].map(({ exited }) => exited.promise);
    this.#over(signal === null ? `exit code ${code}` : `signal ${signal}`, stderr);
    this.#child.stdin?.destroy();
    this.#channel.destroy();
    // Of what is below it the guardian is the last to go, unless somebody killed that one first.
    await Promise.all(orphans);
    return { code, signal, stderr };
  }

  #hear(reader: ZygoteFrameReader, chunk: Buffer): void {
    try {
      for (const frame of reader.push(chunk)) this.#obey(frame);
    } catch (error) {
      this.#ready.reject(toCoilyardError(error));
      this.#channel.destroy();
      this.kill();
    }
  }

  #obey(frame: ZygoteFrame): void {
    switch (frame.type) {
      case 'ready':
        this.#ready.resolve({ objections: frame.objections, importMs: frame.importMs });
        return;
      case 'import_failed':
        this.#ready.reject(new ImportFailed(frame.reason, frame.module));
        return;
      case 'forked':
        this.#settle(frame.id, (fork) => {
          const { pid } = frame;
          this.#forked.set(pid, fork);
          fork.launched.resolve({ pid, exited: fork.exited.promise, kill: (signal) => this.#killForked(pid, signal) });
        });
        return;
      case 'refused':
        this.#settle(frame.id, (fork) => this.#giveUp(fork, new ForkRefused(frame.objections)));
        return;
      case 'failed':
        this.#settle(frame.id, (fork) => this.#giveUp(fork, new CoilyardError('pool_unavailable', frame.reason)));
        return;
      case 'exited':
        this.#buried(frame.pid, frame.code, frame.signal);
    }
  }

  #settle(id: number, settle: (fork: PendingFork) => void): void {
    const fork = this.#pending.get(id);
    this.#pending.delete(id);
    if (fork !== undefined) settle(fork);
  }

  #giveUp(fork: PendingFork, error: Error): void {
    for (const key of fork.keys) this.#lines.forget(key);
    fork.launched.reject(error);
  }

  /** Until its end was reported the number of a worker is its own. */
  #killForked(pid: number, signal: Parameters<Launched['kill']>[0]): void {
    if (this.#forked.has(pid)) killGroup(pid, signal);
  }

  #buried(pid: number, code: number | null, signal: string | null): void {
    const forked = this.#forked.get(pid);
    this.#forked.delete(pid);
    forked?.output.finish().then((stderr) => {
      for (const key of forked.keys) this.#lines.forget(key);
      forked.exited.resolve({ code, signal, stderr });
    });
  }

  #expectReport(fork: Forked): void {
    const timer = this.#spec.clock.setTimer(REPORT_TIMEOUT_MS, () => this.kill(), { keepAlive: false });
    fork.exited.promise.then(() => timer.cancel());
  }

  /** Nothing more comes from it. Its workers die with it: the kernel and the guardian see to that. */
  #over(how: string, stderr: readonly string[] = []): void {
    if (!this.#isOver) {
      this.#isOver = true;
      this.#lost.resolve();
      for (const pid of [...this.#forked.keys()]) {
        killGroup(pid, 'SIGKILL');
        untilGroupEnds(this.#spec.clock, pid, KILL_GRACE_MS).then(() => this.#buried(pid, null, 'SIGKILL'));
      }
      this.#lines.close();
      this.kill();
    }
    const last = stderr.findLast((line) => line.trim() !== '');
    const error = new ZygoteLost(last === undefined ? how : `${how}: ${last}`);
    this.#ready.reject(error);
    for (const [id, fork] of this.#pending) {
      this.#pending.delete(id);
      this.#giveUp(fork, error);
    }
  }
}

/** A declared module cannot be imported: starting the worker in another way would end the same. */
export class ImportFailed extends CoilyardError {
  constructor(reason: string, module: string) {
    super('pool_unavailable', reason, { details: { module } });
  }
}

/** It ended; the next one may do what was asked of it. */
export class ZygoteLost extends CoilyardError {
  constructor(how: string) {
    super('pool_unavailable', `the zygote of the worker is lost: ${how}`, { details: { reason: 'zygote' } });
  }
}
