/**
 * The in-flight ledger: what became of every call. It settles each one exactly once and knows, at every moment, which
 * worker is busy with what. A state machine without time, transport or queue: the pool feeds it events.
 *
 * ```
 * queued ──send──▶ sent ──answer──▶ settled
 *   ▲               │ └──abandon──▶ abandoned ──answer or death──▶ settled
 *   └─hand back─────┘   (its caller is answered, its worker is still busy)
 * ```
 */

import { CoilyardError } from '../kernel/errors.js';
import type { SessionId } from '../kernel/ids.js';
import { err, type Result } from '../kernel/result.js';
import type { CallTarget, TypedValue } from '../wire/frames.js';
import type { Nesting } from './nesting.js';
import type { Affinity } from './affinity.js';
import type { CallLog, CallProgress, ReadVariables } from './python-port.js';
import { isGenerator } from './routing.js';
import type { WorkerLink } from './worker-link.js';

/** How a call ended for its caller. */
export type Outcome = Result<unknown, CoilyardError>;

export interface CallRequest {
  readonly target: CallTarget;
  readonly arguments: ReadonlyMap<string, unknown>;
  readonly sessionId: SessionId | null;
  readonly variables: ReadonlyMap<string, TypedValue>;
  readonly revision: number;
  /** Reads what the worker's tool is given besides, when the call is sent. */
  readonly readVariables?: ReadVariables | undefined;
  readonly stream: boolean;
  /** Whether it may be executed twice. */
  readonly idempotent: boolean;
  /** Whether it may be served by another worker than its session's. */
  readonly affinity: Affinity;
  /** The TypeScript function that made it, where that runs for the code of a worker. */
  readonly nesting?: Nesting | undefined;
}

/** Who made the call. Neither method may throw. */
export interface Caller {
  /** Called exactly once. */
  settled(outcome: Outcome): void;
  /** One chunk of a stream, never after `settled`. */
  chunk(value: unknown): void;
  /** How far it has come and what it logged, never after `settled`. */
  progress?(progress: CallProgress): void;
  log?(entry: CallLog): void;
}

type CallState =
  | { readonly type: 'queued' }
  | { readonly type: 'sent'; readonly worker: WorkerLink }
  | { readonly type: 'abandoned'; readonly worker: WorkerLink }
  | { readonly type: 'settled' };

export interface Call {
  /** Unique in the pool. */
  readonly id: number;
  readonly request: CallRequest;
  /** Tries so far, this one included; 0 until it was first sent. */
  readonly attempt: number;
  readonly state: CallState;
  /** The worker that had it last. */
  readonly lastWorker: WorkerLink | undefined;
}

interface Entry {
  readonly id: number;
  readonly request: CallRequest;
  readonly caller: Caller;
  attempt: number;
  state: CallState;
  lastWorker: WorkerLink | undefined;
  /** Whether a worker died with it in hands: from then on nobody can say `not_started`. */
  mayHaveRun: boolean;
  /** Whether its caller has been given a chunk: a stream that began cannot begin again. */
  hasChunks: boolean;
  /** Workers that died with this call alone in their hands. */
  killed: number;
}

export interface LedgerOptions {
  readonly maxAttempts: number;
  /** A call that was alone with so many workers when they died is not tried again. */
  readonly poisonAfter: number;
  /** Called once for each call, before its caller is told. */
  readonly onSettled: (call: Call, outcome: Outcome) => void;
  /** Called when the worker is free of a call that its caller had given up before. */
  readonly onReleased: (call: Call) => void;
}

export class Ledger {
  readonly #options: LedgerOptions;
  readonly #byWorker = new Map<WorkerLink, Map<number, Entry>>();
  readonly #entries = new Map<number, Entry>();
  #lastId = 0;

  constructor(options: LedgerOptions) {
    this.#options = options;
  }

  /** Calls that are not settled or that still keep a worker busy. */
  get size(): number {
    return this.#entries.size;
  }

  /** Calls that keep the worker busy, those that their caller gave up included. */
  load(worker: WorkerLink): number {
    return this.#byWorker.get(worker)?.size ?? 0;
  }

  /** The call that keeps the worker busy, if it is a single one. */
  soleCall(worker: WorkerLink): Call | undefined {
    const calls = this.#byWorker.get(worker);
    const [only] = calls?.size === 1 ? calls.values() : [];
    return only;
  }

  /** The call under this id that keeps the worker busy. */
  find(worker: WorkerLink, callId: number): Call | undefined {
    return this.#byWorker.get(worker)?.get(callId);
  }

  open(request: CallRequest, caller: Caller): Call {
    this.#lastId += 1;
    const entry: Entry = {
      id: this.#lastId,
      request,
      caller,
      attempt: 0,
      state: { type: 'queued' },
      lastWorker: undefined,
      mayHaveRun: false,
      hasChunks: false,
      killed: 0,
    };
    this.#entries.set(entry.id, entry);
    return entry;
  }

  /** The call is on its way to the worker. Only for a call that is queued. */
  sent(call: Call, worker: WorkerLink): void {
    const entry = this.#queued(call);
    entry.attempt += 1;
    entry.state = { type: 'sent', worker };
    entry.lastWorker = worker;
    const calls = this.#byWorker.get(worker) ?? new Map<number, Entry>();
    this.#byWorker.set(worker, calls.set(entry.id, entry));
  }

  /** The worker took nothing after all: the call is queued again as if it had not been sent. */
  unsent(call: Call): void {
    const entry = this.#entries.get(call.id);
    if (entry?.state.type !== 'sent') return;
    entry.attempt -= 1;
    this.#release(entry, entry.state.worker);
    entry.state = { type: 'queued' };
  }

  /**
   * The worker is done with a call.
   *
   * @returns `again` when it handed the call back untouched and the call is queued again; else `done`.
   */
  answered(worker: WorkerLink, callId: number, outcome: Outcome): 'done' | 'again' {
    const entry = this.#byWorker.get(worker)?.get(callId);
    if (entry === undefined) return 'done';
    this.#release(entry, worker);
    if (entry.state.type === 'abandoned') {
      this.#forget(entry);
      this.#options.onReleased(entry);
    } else if (isHandedBack(outcome) && entry.attempt < this.#options.maxAttempts) {
      entry.state = { type: 'queued' };
      return 'again';
    } else {
      const { request, hasChunks, caller } = entry;
      const isWhole = request.stream && !hasChunks && !isGenerator(worker.hello, request.target);
      if (outcome.ok && isWhole) caller.chunk(outcome.value);
      this.#settle(entry, outcome);
    }
    return 'done';
  }

  /** The caller that still waits for the worker's call, if there is one. */
  callerOf(worker: WorkerLink, callId: number): Caller | undefined {
    const entry = this.#byWorker.get(worker)?.get(callId);
    return entry?.state.type === 'sent' ? entry.caller : undefined;
  }

  /** @returns false when the worker has no such call. */
  chunk(worker: WorkerLink, callId: number, value: unknown): boolean {
    const entry = this.#byWorker.get(worker)?.get(callId);
    if (entry === undefined) return false;
    if (entry.state.type === 'sent') {
      entry.hasChunks = true;
      entry.caller.chunk(value);
    }
    return true;
  }

  /**
   * Its caller does not wait any longer and is answered with this error.
   *
   * @param errorOf makes the error; it is told whether the call may have been executed.
   * @returns the worker that is still busy with it and should be told to stop.
   */
  abandon(call: Call, errorOf: (execution: 'not_started' | 'unknown') => CoilyardError): WorkerLink | undefined {
    const entry = this.#entries.get(call.id);
    if (entry === undefined) return undefined;
    switch (entry.state.type) {
      case 'queued':
        this.#settle(entry, err(errorOf('not_started')));
        return undefined;
      case 'sent': {
        const { worker } = entry.state;
        entry.state = { type: 'abandoned', worker };
        this.#tell(entry, err(errorOf('unknown')));
        return worker;
      }
      default:
        return undefined;
    }
  }

  /** Answers a call that is queued with an error; does nothing for another one. */
  refuse(call: Call, error: CoilyardError): void {
    const entry = this.#entries.get(call.id);
    if (entry?.state.type === 'queued') this.#settle(entry, err(error));
  }

  /**
   * The worker is dead. Each call that it had is settled as `worker_lost`, except those that may be tried again.
   *
   * @returns the calls that are queued again, oldest first.
   */
  lost(worker: WorkerLink): readonly Call[] {
    const calls = this.#byWorker.get(worker);
    this.#byWorker.delete(worker);
    const again: Entry[] = [];
    for (const entry of calls?.values() ?? []) {
      const { idempotent } = entry.request;
      if (calls?.size === 1) entry.killed += 1;
      const isPoison = entry.killed >= this.#options.poisonAfter;
      if (entry.state.type === 'abandoned') {
        this.#forget(entry);
        this.#options.onReleased(entry);
      } else if (idempotent && !isPoison && !entry.hasChunks && entry.attempt < this.#options.maxAttempts) {
        entry.state = { type: 'queued' };
        entry.mayHaveRun = true;
        again.push(entry);
      } else {
        this.#settle(entry, err(lostWith(entry, worker, idempotent && isPoison)));
      }
    }
    return again;
  }

  #queued(call: Call): Entry {
    const entry = this.#entries.get(call.id);
    if (entry?.state.type !== 'queued') throw new Error(`call ${call.id} is ${call.state.type}, not queued`);
    return entry;
  }

  #release(entry: Entry, worker: WorkerLink): void {
    const calls = this.#byWorker.get(worker);
    calls?.delete(entry.id);
    if (calls?.size === 0) this.#byWorker.delete(worker);
  }

  #settle(entry: Entry, outcome: Outcome): void {
    this.#forget(entry);
    this.#tell(entry, outcome);
  }

  #forget(entry: Entry): void {
    entry.state = { type: 'settled' };
    this.#entries.delete(entry.id);
  }

  #tell(entry: Entry, found: Outcome): void {
    const outcome = entry.mayHaveRun ? withoutPromise(found) : found;
    this.#options.onSettled(entry, outcome);
    entry.caller.settled(outcome);
  }
}

/** A worker that drains or is full gives a call back without having begun it: another one may take it. */
const isHandedBack = (outcome: Outcome): boolean =>
  !outcome.ok &&
  outcome.error.execution === 'not_started' &&
  (outcome.error.code === 'worker_lost' ||
    outcome.error.code === 'pool_unavailable' ||
    outcome.error.code === 'pool_saturated');

/** What is true of the last try (`not_started`) need not be true of the call. */
function withoutPromise(outcome: Outcome): Outcome {
  if (outcome.ok || outcome.error.execution !== 'not_started') return outcome;
  const { code, message, details, cause } = outcome.error;
  return err(new CoilyardError(code, message, { details, execution: 'unknown', cause }));
}

function lostWith(entry: Entry, { workerId, incarnation }: WorkerLink, isPoison: boolean): CoilyardError {
  const { attempt, killed } = entry;
  const tries = attempt === 1 ? '' : ` (attempt ${attempt})`;
  const poison = isPoison ? `, the ${killed}. that did: it is not tried again` : '';
  return new CoilyardError('worker_lost', `worker ${workerId} died with the call in its hands${tries}${poison}`, {
    details: { workerId, incarnation, attempt, ...(isPoison ? { reason: 'poison_call', killed } : {}) },
  });
}
