/**
 * What a Python worker and the runtime say to each other, in the house's own words. A carrier moves frames in order and
 * knows nothing of their meaning; `runtime-frame-codec.ts` and `worker-frame-codec.ts` turn them into the wire contract and back.
 */

import type { CoilyardError } from '../kernel/errors.js';
import type { Incarnation, SessionId, WorkerId } from '../kernel/ids.js';
import type { Result } from '../kernel/result.js';
import type { ValueKind } from '../variables/value.js';

/** From the worker to the runtime. The first frame of a connection is `hello`. */
export type WorkerFrame =
  | HelloFrame
  | ChunkFrame
  | ResultFrame
  | FailureFrame
  | ProgressFrame
  | LogFrame
  | AskFrame
  | AskCancelFrame
  | HeartbeatFrame
  | DrainingFrame;

/** From the runtime to the worker. The first frame is `welcome`. */
export type RuntimeFrame = WelcomeFrame | CallFrame | CancelFrame | CreditFrame | AnswerFrame | PulseFrame | DrainFrame;

export interface HelloFrame {
  readonly type: 'hello';
  /** Single use: a second worker that shows it is refused. */
  readonly token: string;
  readonly workerId: WorkerId;
  readonly incarnation: Incarnation;
  readonly pid: number;
  readonly pythonVersion: string;
  readonly sdkVersion: string;
  readonly tools: readonly ToolSpec[];
  readonly modules: readonly ModuleSpec[];
  /** How many calls the worker runs at the same time; at least 1. */
  readonly concurrency: number;
}

/** One more value of a streaming call. */
export interface ChunkFrame {
  readonly type: 'chunk';
  readonly callId: number;
  readonly value: unknown;
}

/** The call ended well; of a streaming call, with what its generator returned. */
export interface ResultFrame {
  readonly type: 'result';
  readonly callId: number;
  readonly value: unknown;
}

/** The call failed. With execution `not_started` the worker hands the call back untouched. */
export interface FailureFrame {
  readonly type: 'failure';
  readonly callId: number;
  readonly error: CoilyardError;
}

/** How far a call has come. */
export interface ProgressFrame {
  readonly type: 'progress';
  readonly callId: number;
  /** From 0 to 1; absent when nobody can tell. */
  readonly fraction?: number;
  readonly message: string;
}

/** What the code of a call logged. */
export interface LogFrame {
  readonly type: 'log';
  readonly callId: number;
  readonly level: string;
  readonly logger: string;
  readonly message: string;
}

/** Python calls a TypeScript function. */
export interface AskFrame {
  readonly type: 'ask';
  readonly askId: number;
  /** The call on whose behalf it is asked; 0 when it belongs to none. */
  readonly callId: number;
  readonly sessionId: SessionId | null;
  readonly name: string;
  /** Or why they could not be read: that costs the ask, not the worker. */
  readonly arguments: Result<ReadonlyMap<string, unknown>, CoilyardError>;
  readonly timeoutMs?: number;
}

/** The answer is not wanted any more. */
export interface AskCancelFrame {
  readonly type: 'ask_cancel';
  readonly askId: number;
}

export interface HeartbeatFrame {
  readonly type: 'heartbeat';
  /** How late the worker's event loop ran its last timer. */
  readonly loopLagMs: number;
  /** Calls in hand. */
  readonly callIds: readonly number[];
  /** Resident memory in bytes of the worker and of what it started, 0 when unknown. */
  readonly residentBytes: number;
}

/** The worker takes no more calls and ends when its calls are done. */
export interface DrainingFrame {
  readonly type: 'draining';
}

export interface WelcomeFrame {
  readonly type: 'welcome';
  readonly workerId: WorkerId;
  readonly heartbeatIntervalMs: number;
  /** The largest frame that the runtime takes, in bytes; absent: what fits in one message. */
  readonly maxFrameBytes?: number;
  /** A worker that hears nothing for so long ends by itself; absent: its process is watched over. */
  readonly leaseMs?: number;
}

/** Nothing but a sign of life: one in every heartbeat interval for a worker with a lease. */
export interface PulseFrame {
  readonly type: 'pulse';
}

export interface CallFrame {
  readonly type: 'call';
  readonly callId: number;
  readonly sessionId: SessionId | null;
  readonly target: CallTarget;
  readonly arguments: ReadonlyMap<string, unknown>;
  /** Committed values of the session's variables that the target uses, all of `revision`. */
  readonly variables: ReadonlyMap<string, TypedValue>;
  readonly revision: number;
  /** Time left when the frame was made; absent when the call may take for ever. */
  readonly timeoutMs?: number;
  /** Whether the worker sends chunks; it may then have only as many under way as it was given credit for. */
  readonly stream: boolean;
  /** 1 for the first try. */
  readonly attempt: number;
}

export interface CancelFrame {
  readonly type: 'cancel';
  readonly callId: number;
  readonly reason: string;
}

/** Allows that many more chunks of one call. */
export interface CreditFrame {
  readonly type: 'credit';
  readonly callId: number;
  readonly chunks: number;
}

/** Exactly one for each ask that was not cancelled. */
export interface AnswerFrame {
  readonly type: 'answer';
  readonly askId: number;
  readonly outcome: Result<unknown, CoilyardError>;
}

/** Finish the calls in hand, then end. */
export interface DrainFrame {
  readonly type: 'drain';
}

export type CallTarget = ToolTarget | ModuleTarget;

export interface ToolTarget {
  readonly type: 'tool';
  readonly name: string;
}

export interface ModuleTarget {
  readonly type: 'module';
  readonly recipe: Recipe;
}

/** How a worker builds a DSPy module: plain data, so any worker can build it and a restart loses nothing. */
export interface Recipe {
  /** `Predict`, `ChainOfThought`, `ReAct`, `ProgramOfThought`, or the name of a registered factory. */
  readonly kind: string;
  /** Such as `question -> answer`. May be empty for a registered factory. */
  readonly signature: string;
  readonly instructions?: string;
  /** Keyword arguments of the constructor. */
  readonly options?: ReadonlyMap<string, unknown>;
  /** Names of Python tools that the module may use. */
  readonly tools?: readonly string[];
}

/** A value that says which kind it is, so that a float `2.0` stays a float in Python. */
export interface TypedValue {
  readonly value: unknown;
  /** Absent: what the value looks like; a whole number is then an integer. */
  readonly kind?: ValueKind;
}

/** A Python function that can be called by name. */
export interface ToolSpec {
  readonly name: string;
  readonly description: string;
  /** JSON Schema of the parameters, as text. */
  readonly parametersSchema: string;
  /** Yields chunks. */
  readonly streaming: boolean;
  /** The session variables that are filled in as arguments. Default: none. */
  readonly variables?: readonly string[];
}

/** A Python factory of DSPy modules that can be named in a recipe. */
export interface ModuleSpec {
  readonly name: string;
  readonly description: string;
  /** The session variables its factory takes. */
  readonly variables: readonly string[];
}
