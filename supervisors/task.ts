/** One piece of work as a process, whose result somebody waits for (S89 to S91). */

import {
  checkFunction,
  checkObject,
  checkOptionalFlag,
  checkOptionalPort,
  checkOptionalTimeout,
  clockMethods,
  reading,
} from '../src/kernel/arguments.js';
import { type Clock, systemClock } from '../src/kernel/clock.js';
import { invalidArgument } from '../src/kernel/errors.js';
import { type ExitReason, exitReason } from '../src/kernel/exit-reason.js';
import { isThenable } from '../src/kernel/isolate.js';
import { IGNORE, type Process } from '../src/kernel/process.js';
import { isProcess, ProcessCore } from '../src/kernel/process-core.js';
import { err, ok, type Result } from '../src/kernel/result.js';
import type { DynamicSupervisor } from './dynamic-supervisor.js';
import { badReturn, deadProcess, diedBeforeReply, refused, timedOut } from './refusals.js';

/** What the work of a task may use. */
export interface TaskContext {
  readonly self: Process;
  /** Aborts when the task ends before its work is through: JavaScript cannot stop running code, but the code can look. */
  readonly signal: AbortSignal;
  /** Ends the task without a result. */
  exit(reason: ExitReason): void;
}

type Work<T> = (context: TaskContext) => T | PromiseLike<T>;

export interface TaskOptions {
  /** Who waits for the result. With `linked` the two end together, unless the end is `normal`. */
  readonly owner?: Process;
  /** Default true. False: the task outlives its owner and its crash does not touch it (`async_nolink`). */
  readonly linked?: boolean;
  /** Makes the task a temporary child: its crash never counts against the supervisor's budget. */
  readonly supervisor?: DynamicSupervisor;
  readonly clock?: Clock;
}

/** What became of a task: its value, or the reason it ended without one. */
export type TaskResult<T> = Result<T, ExitReason>;

export interface Task<T> extends Process {
  /**
   * The value. Default timeout 5000 ms; `Infinity` waits for ever.
   *
   * @param by who asks; only the owner may. Default: the owner.
   * @throws `not_owner`; `deadline_exceeded`, and then a late value is dropped: nobody gets it any more; an error with the
   * exit reason when the task ends without a value, also for `normal`.
   */
  await(timeoutMs?: number, by?: Process): Promise<T>;
  /** What became of the task, or nothing if it is not through in time (default 5000 ms); may be asked again. @throws `not_owner`. */
  yield(timeoutMs?: number, by?: Process): Promise<TaskResult<T> | undefined>;
  /**
   * Unlinks the owner and ends the task with `shutdown`.
   *
   * @returns the result if one made it before the end; nothing when the task was still at work.
   */
  shutdown(): Promise<TaskResult<T> | undefined>;
}

const DEFAULT_TIMEOUT_MS = 5000;

/**
 * Starts a task. A supervised one starts in its supervisor's turn, hence the promise.
 *
 * @throws `noproc` when the owner or supervisor is dead; `max_children`.
 */
export function startTask<T>(
  work: Work<T>,
  options: TaskOptions & { readonly supervisor: DynamicSupervisor },
): Promise<Task<T>>;
export function startTask<T>(work: Work<T>, options?: TaskOptions & { readonly supervisor?: undefined }): Task<T>;
export function startTask<T>(work: Work<T>, options: TaskOptions = {}): Task<T> | Promise<Task<T>> {
  const { owner, linked = true, supervisor, clock = systemClock } = reading('options', () => checked(work, options));
  if (owner?.alive === false) throw deadProcess(owner);
  const settings = { owner, linked, clock };
  if (supervisor !== undefined) return superviseTask(work, settings, supervisor);
  const task = new TaskProcess<T>(settings, undefined);
  // Nothing is awaited in there and the owner lives: it cannot fail.
  void task.start(work);
  return task;
}

function checked(work: unknown, options: TaskOptions): TaskOptions {
  checkFunction('work', work);
  checkObject('options', options);
  const { owner, linked, supervisor, clock } = options;
  if (owner !== undefined && !isProcess(owner)) throw invalidArgument('owner', 'a process', owner);
  checkOptionalFlag('linked', linked);
  checkOptionalPort('supervisor', supervisor, ['startChild']);
  checkOptionalPort('clock', clock, clockMethods);
  return options;
}

interface TaskSettings {
  readonly owner: Process | undefined;
  readonly linked: boolean;
  readonly clock: Clock;
}

async function superviseTask<T>(
  work: Work<T>,
  settings: TaskSettings,
  supervisor: DynamicSupervisor,
): Promise<Task<T>> {
  const task = await supervisor.startChild({
    restart: 'temporary',
    start: async (self) => {
      const child = new TaskProcess<T>(settings, self);
      await child.start(work);
      return child;
    },
  });
  if (task === IGNORE) throw badReturn('the start of a task', task);
  return task;
}

class TaskProcess<T> extends ProcessCore implements Task<T> {
  readonly #settings: TaskSettings;
  #value: { readonly value: T } | undefined;
  #abort: AbortController | undefined;
  /** An `await` ran out of time: the value is nobody's any more. */
  #dropped = false;

  constructor(settings: TaskSettings, parent: Process | undefined) {
    super(parent === undefined ? {} : { parent });
    this.#settings = settings;
  }

  /** The work begins in a later microtask, never on the caller's stack. @throws `noproc` when the owner is dead. */
  start(work: Work<T>): Promise<unknown> {
    const { owner, linked } = this.#settings;
    this.post(() => this.#work(work));
    return this.begin(() => {
      if (linked && owner !== undefined) this.link(owner);
    });
  }

  async await(timeoutMs = DEFAULT_TIMEOUT_MS, by?: Process): Promise<T> {
    const result = await this.yield(timeoutMs, by);
    if (result === undefined) {
      this.#dropped = true;
      throw timedOut(`task ${this.id}`, timeoutMs);
    }
    if (!result.ok) throw diedBeforeReply(this, result.error);
    return result.value;
  }

  async yield(timeoutMs = DEFAULT_TIMEOUT_MS, by?: Process): Promise<TaskResult<T> | undefined> {
    const { owner, clock } = this.#settings;
    checkOptionalTimeout('timeoutMs', timeoutMs);
    if (by !== undefined && !isProcess(by)) throw invalidArgument('by', 'a process', by);
    if (by !== undefined && by !== owner) throw refused('not_owner', `${by.id} does not own task ${this.id}`);
    if (timeoutMs === Infinity && !this.#dropped) return this.#result(await this.exited);
    const result = await new Promise<TaskResult<T> | undefined>((resolve) => {
      const timer = timeoutMs === Infinity ? undefined : clock.setTimer(timeoutMs, () => resolve(undefined));
      if (this.#dropped) return;
      this.exited.then((reason) => {
        timer?.cancel();
        resolve(this.#result(reason));
      });
    });
    return result;
  }

  async shutdown(): Promise<TaskResult<T> | undefined> {
    const { owner } = this.#settings;
    if (owner !== undefined) this.unlink(owner);
    this.exit(exitReason.shutdown);
    const result = this.#result(await this.exited);
    return !result.ok && result.error.type === 'shutdown' ? undefined : result;
  }

  protected override onExit(): void {}

  protected override onDeath(reason: ExitReason): void {
    if (this.#value === undefined) this.#abort?.abort(reason);
  }

  #work(work: Work<T>): void {
    const finish = (value: T): void => {
      if (!this.running) return;
      this.#value = { value };
      this.end(exitReason.normal);
    };
    const fail = (error: unknown): void => this.end(exitReason.error(error));
    try {
      const pending = work(this.#context());
      // Not handed to the inbox: the task can be ended while its work goes on.
      if (isThenable(pending)) pending.then(finish, fail);
      else finish(pending);
    } catch (error) {
      fail(error);
    }
  }

  #context(): TaskContext {
    const abort = new AbortController();
    this.#abort = abort;
    return { self: this, signal: abort.signal, exit: (reason) => this.end(reason) };
  }

  #result(reason: ExitReason): TaskResult<T> {
    return this.#value === undefined ? err(reason) : ok(this.#value.value);
  }
}
