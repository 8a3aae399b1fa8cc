/**
 * Workers without Python: a launcher whose workers live in memory, speak frames and do what a script says. Frames pass
 * through the wire contract in both directions, so what has no form there fails here too.
 */

import type { Clock, Timer } from '../kernel/clock.js';
import { CoilyardError, describeThrown } from '../kernel/errors.js';
import { decodeRuntimeFrame, encodeRuntimeFrame } from '../wire/runtime-frame-codec.js';
import { decodeWorkerFrame, encodeWorkerFrame } from '../wire/worker-frame-codec.js';
import type { CallFrame, HelloFrame, RuntimeFrame, WorkerFrame } from '../wire/frames.js';
import type { Attachment, FrameReceiver } from '../workers/attachment.js';
import type { AttachRegistry } from '../workers/attach-registry.js';
import type { Launched, LaunchedExit, Launcher, LauncherFactory, LaunchOrder } from '../workers/launcher.js';

/** What a scripted function sees of its call. */
export interface ScriptedCall {
  readonly frame: CallFrame;
  readonly worker: ScriptedWorker;
  /** Aborts when the runtime cancels the call. */
  readonly signal: AbortSignal;
}

/**
 * Stands for a Python function: its return value is the result, what it throws the failure (a `CoilyardError` as it is,
 * anything else as `python_error`), what an async generator yields the chunks. One that never settles leaves the call
 * open: the test answers it with {@link ScriptedWorker.send}.
 */
export type ScriptedFunction = (args: ReadonlyMap<string, unknown>, call: ScriptedCall) => unknown;

export interface Script {
  readonly tools?: Readonly<Record<string, ScriptedFunction>>;
  /** By recipe kind. */
  readonly modules?: Readonly<Record<string, ScriptedFunction>>;
  /** Whether it says hello by itself. Default true. */
  readonly greets?: boolean;
  /** Whether it gives signs of life by itself. Default true. */
  readonly beats?: boolean;
  /** Whether SIGTERM and a drain do nothing. Default false. */
  readonly isStubborn?: boolean;
  /** Whether a cancelled call goes on until its function settles. Default false. */
  readonly ignoresCancel?: boolean;
}

/**
 * For a runtime without Python: `startRuntime({ python: { launcher: scriptedWorkers({ tools: { … } }) } })`.
 *
 * @param script one for all workers, or chosen for each life; what it throws makes the launch fail.
 */
export const scriptedWorkers =
  (script: ScriptedLauncherOptions['script']): LauncherFactory =>
  ({ registry, clock }) =>
    new ScriptedLauncher({ registry, clock, script });

export interface ScriptedLauncherOptions {
  readonly registry: AttachRegistry;
  readonly clock: Clock;
  /** One script for all, or chosen for each life. May throw: the launch fails then. */
  readonly script: Script | ((order: LaunchOrder) => Script);
}

export class ScriptedLauncher implements Launcher {
  readonly #options: ScriptedLauncherOptions;
  readonly #workers: ScriptedWorker[] = [];

  constructor(options: ScriptedLauncherOptions) {
    this.#options = options;
  }

  /** Every life so far, in order of launch. */
  get workers(): readonly ScriptedWorker[] {
    return this.#workers;
  }

  /** The lives that have not ended. */
  get living(): readonly ScriptedWorker[] {
    return this.#workers.filter(({ isAlive }) => isAlive);
  }

  async launch(order: LaunchOrder): Promise<Launched> {
    const { registry, clock, script } = this.#options;
    const chosen = typeof script === 'function' ? script(order) : script;
    const worker = new ScriptedWorker(order, chosen, 1_000 + this.#workers.length, registry, clock);
    this.#workers.push(worker);
    if (chosen.greets ?? true) worker.hello();
    return worker;
  }
}

/** One life of a scripted worker. */
export class ScriptedWorker implements Launched {
  readonly order: LaunchOrder;
  readonly pid: number;
  readonly exited: Promise<LaunchedExit>;
  /** Every frame that the runtime sent, in order. */
  readonly received: RuntimeFrame[] = [];
  readonly #script: Script;
  readonly #registry: AttachRegistry;
  readonly #clock: Clock;
  readonly #calls = new Map<number, OpenCall>();
  #line: Line | undefined;
  #isAlive = true;
  #isDraining = false;
  #isFrozen = false;
  #beat: Timer | undefined;
  #resolveExit: (exit: LaunchedExit) => void = () => {};

  constructor(order: LaunchOrder, script: Script, pid: number, registry: AttachRegistry, clock: Clock) {
    this.order = order;
    this.pid = pid;
    this.#script = script;
    this.#registry = registry;
    this.#clock = clock;
    this.exited = new Promise((resolve) => {
      this.#resolveExit = resolve;
    });
  }

  get isAlive(): boolean {
    return this.#isAlive;
  }

  /** Calls that it has not answered. */
  get calls(): readonly CallFrame[] {
    return [...this.#calls.values()].map(({ frame }) => frame);
  }

  /** Dials in and says hello; `changes` make it a wrong one. */
  hello(changes: Partial<HelloFrame> = {}): void {
    this.#line = new Line(this.#registry, {
      frame: (frame) => this.#received(frame),
      closed: (error) => this.exit({ code: error === undefined ? 0 : 1 }),
    });
    const { tools = {}, modules = {} } = this.#script;
    this.send({
      type: 'hello',
      token: this.order.token,
      workerId: this.order.workerId,
      incarnation: this.order.incarnation,
      pid: this.pid,
      pythonVersion: '3.11.0',
      sdkVersion: 'scripted',
      tools: Object.entries(tools).map(([name, tool]) => ({
        name,
        description: '',
        parametersSchema: '{}',
        streaming: isGenerator(tool),
      })),
      modules: Object.keys(modules).map((name) => ({ name, description: '', variables: [] })),
      concurrency: this.order.concurrency,
      ...changes,
    });
  }

  /** Sends any frame; an answer to a call closes it. */
  send(frame: WorkerFrame): void {
    if (this.#isFrozen) return;
    if (frame.type === 'result' || frame.type === 'failure') this.#calls.delete(frame.callId);
    this.#line?.send(frame);
    if (this.#isDraining && this.#calls.size === 0) this.exit({ code: 0 });
  }

  /** Ends the process, and with it the connection. */
  exit({ signal = null, code = null, stderr = [] }: Partial<LaunchedExit>): void {
    if (!this.#isAlive) return;
    this.#isAlive = false;
    this.disconnect();
    this.#resolveExit({ signal, code, stderr });
  }

  /** Ends the connection; the process goes on. */
  disconnect(cause?: unknown): void {
    this.#beat?.cancel();
    for (const { abort } of this.#calls.values()) abort.abort();
    this.#calls.clear();
    this.#line?.end(cause);
  }

  /** Stands still, as after SIGSTOP: alive, but no sign of it. */
  freeze(): void {
    this.#isFrozen = true;
    this.#beat?.cancel();
  }

  kill(signal: 'SIGTERM' | 'SIGABRT' | 'SIGKILL'): void {
    if (signal === 'SIGKILL') this.exit({ signal });
    else if (signal === 'SIGABRT') {
      if (!this.#isFrozen) this.exit({ signal });
    } else if (!this.#script.isStubborn && !this.#isFrozen) this.#drain();
  }

  #received(frame: RuntimeFrame): void {
    if (!this.#isAlive || this.#isFrozen) return;
    this.received.push(frame);
    switch (frame.type) {
      case 'welcome':
        if (this.#script.beats ?? true) this.#beatEvery(frame.heartbeatIntervalMs);
        return;
      case 'call':
        void this.#run(frame);
        return;
      case 'cancel':
        this.#calls.get(frame.callId)?.abort.abort();
        if (!this.#script.ignoresCancel && this.#calls.has(frame.callId))
          this.send({ type: 'failure', callId: frame.callId, error: new CoilyardError('cancelled', frame.reason) });
        return;
      case 'credit':
        this.#calls.get(frame.callId)?.credit.add(frame.chunks);
        return;
      case 'drain':
        if (!this.#script.isStubborn) this.#drain();
        return;
      case 'answer':
      case 'pulse':
    }
  }

  #drain(): void {
    if (this.#isDraining || !this.#isAlive) return;
    this.#isDraining = true;
    this.send({ type: 'draining' });
  }

  #beatEvery(intervalMs: number): void {
    this.#beat = this.#clock.setTimer(intervalMs, () => {
      this.send({ type: 'heartbeat', loopLagMs: 0, callIds: [...this.#calls.keys()], residentBytes: 0 });
      this.#beatEvery(intervalMs);
    });
  }

  async #run(frame: CallFrame): Promise<void> {
    const call: OpenCall = { frame, abort: new AbortController(), credit: new Credit() };
    this.#calls.set(frame.callId, call);
    const { callId } = frame;
    try {
      const outcome: unknown = await this.#functionOf(frame)(frame.arguments, {
        frame,
        worker: this,
        signal: call.abort.signal,
      });
      const value = isAsyncIterable(outcome) ? await this.#streamOut(call, outcome) : outcome;
      if (this.#calls.has(callId)) this.send({ type: 'result', callId, value: value ?? null });
    } catch (error) {
      if (this.#calls.has(callId)) this.send({ type: 'failure', callId, error: asPythonError(error) });
    }
  }

  #functionOf({ target }: CallFrame): ScriptedFunction {
    const { tools = {}, modules = {} } = this.#script;
    const found = target.type === 'tool' ? tools[target.name] : modules[target.recipe.kind];
    if (found !== undefined) return found;
    throw new CoilyardError(target.type === 'tool' ? 'tool_not_found' : 'module_not_found', 'not in the script');
  }

  async #streamOut({ frame, credit, abort }: OpenCall, chunks: AsyncIterable<unknown>): Promise<unknown> {
    const collected: unknown[] = [];
    for await (const value of chunks) {
      if (!frame.stream) {
        collected.push(value);
        continue;
      }
      await credit.take();
      if (abort.signal.aborted) return null;
      this.send({ type: 'chunk', callId: frame.callId, value });
    }
    return frame.stream ? null : collected;
  }
}

interface OpenCall {
  readonly frame: CallFrame;
  readonly abort: AbortController;
  readonly credit: Credit;
}

/** Chunks that may still be sent. */
class Credit {
  #left = 0;
  #wake: () => void = () => {};

  add(chunks: number): void {
    this.#left += chunks;
    this.#wake();
  }

  async take(): Promise<void> {
    while (this.#left === 0)
      await new Promise<void>((resolve) => {
        this.#wake = resolve;
      });
    this.#left -= 1;
  }
}

/** A carrier in memory: each frame is delivered in a later microtask, in order. */
class Line {
  readonly #receiver: FrameReceiver;
  #isOpen = true;
  /** Whether the worker's end is gone: what was on its way to it is lost. */
  #isCut = false;

  constructor(
    registry: AttachRegistry,
    worker: { frame(frame: RuntimeFrame): void; closed(error: CoilyardError | undefined): void },
  ) {
    const attachment: Attachment = {
      send: (frame) => {
        if (!this.#isOpen) return false;
        const copy = decodeRuntimeFrame(encodeRuntimeFrame(frame));
        queueMicrotask(() => {
          if (!this.#isCut) worker.frame(copy);
        });
        return true;
      },
      close: (error) => {
        if (!this.#isOpen) return;
        this.#isOpen = false;
        queueMicrotask(() => {
          this.#receiver.closed();
          worker.closed(error);
        });
      },
    };
    this.#receiver = registry.accept(attachment);
  }

  send(frame: WorkerFrame): void {
    if (!this.#isOpen) return;
    const copy = decodeWorkerFrame(encodeWorkerFrame(frame));
    queueMicrotask(() => this.#receiver.receive(copy));
  }

  end(cause: unknown): void {
    this.#isCut = true;
    if (!this.#isOpen) return;
    this.#isOpen = false;
    queueMicrotask(() => this.#receiver.closed(cause));
  }
}

const isGenerator = (tool: unknown): boolean => Object(tool)[Symbol.toStringTag] === 'AsyncGeneratorFunction';

const isAsyncIterable = (value: unknown): value is AsyncIterable<unknown> =>
  typeof value === 'object' && value !== null && Symbol.asyncIterator in value;

function asPythonError(thrown: unknown): CoilyardError {
  if (thrown instanceof CoilyardError) return thrown;
  const type = thrown instanceof Error ? thrown.name : typeof thrown;
  return new CoilyardError('python_error', describeThrown(thrown), {
    details: { type, message: describeThrown(thrown) },
  });
}
