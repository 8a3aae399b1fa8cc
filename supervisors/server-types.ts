/** The words of a server: what its callbacks get and return, and what its handle offers. */

import type { ExitReason } from '../src/kernel/exit-reason.js';
import type { Ignore, Process, ProcessOptions } from '../src/kernel/process.js';

/** Answers one call, at any time and from anywhere; a second answer, or one that comes too late, is dropped (S73). */
export type From<Reply> = (reply: Reply) => void;

/** The server goes on. */
export interface Proceed<State, Reply> {
  readonly state: State;
  /** Of `handleCall`: answers the caller now. Left out, `from` answers later. */
  readonly reply?: Reply;
  /** Handed to `handleContinue` before any queued message (S77). */
  readonly continue?: unknown;
  /** If no message comes for so long, `handleInfo` gets `{ timeout: true }` (S78). */
  readonly timeoutMs?: number;
}

/** The server ends: `terminate` runs, then the reply is sent (S75). */
export interface Stop<State, Reply> {
  readonly stop: ExitReason;
  readonly reply?: Reply;
  readonly state?: State;
}

export type Outcome<State, Reply = never> = Proceed<State, Reply> | Stop<State, Reply>;
/** `error` refuses the start like `stop`, but the process ends with `normal` (S66). */
export type InitOutcome<State> =
  | Omit<Proceed<State, never>, 'reply'>
  | { readonly stop: ExitReason }
  | { readonly error: unknown };

/** A trapped exit, as `handleInfo` gets it. `exit` is absent when nobody in particular sent it. */
export interface ExitMessage {
  readonly exit: Process | undefined;
  readonly reason: ExitReason;
}
export interface IdleMessage {
  readonly timeout: true;
}

/** What the code inside a server may do with it. */
export interface ServerContext {
  readonly self: Process;
  /** Ends the server from within: `terminate` runs. For timers and other callbacks; handlers return `{ stop }`. */
  exit(reason: ExitReason): void;
  /** Switches trapping; returns the old value (S8). */
  trapExit(on: boolean): boolean;
}

/** Why a server ended abnormally, for logs (S85). */
export interface CrashReport {
  readonly reason: ExitReason;
  readonly lastMessage: unknown;
  readonly state: unknown;
}

export type Awaitable<T> = T | PromiseLike<T>;

/**
 * The callbacks of a server. One runs at a time, in order of arrival; one that returns a promise holds the next message
 * back. What a callback throws ends the server with that error, after `terminate`.
 */
export interface ServerOptions<State, Call = unknown, Reply = unknown, Cast = unknown, Info = unknown>
  extends ProcessOptions {
  init(context: ServerContext): Awaitable<InitOutcome<State> | Ignore>;
  /** Without it, a call crashes the server (S74). */
  handleCall?(message: Call, from: From<Reply>, state: State): Awaitable<Outcome<State, Reply>>;
  /** Without it, a cast crashes the server (S74). */
  handleCast?(message: Cast, state: State): Awaitable<Outcome<State>>;
  /** What was sent, trapped exits and idle timeouts. Without it they are dropped with a warning (S74). */
  handleInfo?(message: Info | ExitMessage | IdleMessage, state: State): Awaitable<Outcome<State>>;
  handleContinue?(argument: unknown, state: State): Awaitable<Outcome<State>>;
  /** Runs before an orderly end (S80); its failure becomes the exit reason. */
  terminate?(reason: ExitReason, state: State): unknown;
  /** Hears of an abnormal end. What it throws hurts nobody. */
  onCrash?(report: CrashReport): unknown;
}

export interface CallOptions {
  /** Default 5000; `Infinity` waits for ever. */
  readonly timeoutMs?: number;
}

export interface Server<State = unknown, Call = unknown, Reply = unknown, Cast = unknown, Info = unknown>
  extends Process {
  /**
   * Asks and waits for the reply.
   *
   * @throws `deadline_exceeded` (the server is not cancelled; a late reply is dropped); an error whose `details.reason` is
   * `noproc` when the server is dead, `calling_self`, or the type of its exit reason when it ends before it replies (S71, S72).
   */
  call(message: Call, options?: CallOptions): Promise<Reply>;
  /** Never fails, also when the server is dead (S74). */
  cast(message: Cast): void;
  /** A message for `handleInfo`. Never fails. */
  send(message: Info): void;
  /**
   * Ends the server after what is queued; default reason `normal`, default no time limit (S83).
   *
   * @throws `noproc`, `calling_self`, `deadline_exceeded` while the stop goes on, or the exit reason when it is another one.
   */
  stop(reason?: ExitReason, options?: CallOptions): Promise<void>;
  /** From now on messages wait, except these four and the parent's exit (S84). */
  suspend(): Promise<void>;
  resume(): Promise<void>;
  getState(): Promise<State>;
  /** A `change` that throws leaves the state as it was and rejects here. */
  replaceState(change: (state: State) => State): Promise<State>;
}
