/**
 * Brings calls and workers together: the queue, the choice of a worker, deadlines and cancellation. What became of each
 * call is the ledger's knowledge; which workers should exist is the pool's.
 */

import type { Clock, Timer } from '../kernel/clock.js';
import type { CoilyardError, Execution } from '../kernel/errors.js';
import { assertNever, err, ok } from '../kernel/result.js';
import type { TelemetryBus } from '../kernel/telemetry.js';
import { AbortWatch } from './abort-watch.js';
import { aborted, checkTimeout, ignoredCancel, notAtHome, saturated, tooLate, unsendable } from './call-errors.js';
import type { CallTarget } from '../wire/frames.js';
import { CallQueue } from './call-queue.js';
import { isDeadly } from './exit-record.js';
import { withRead } from './injected-variables.js';
import { type Call, type Caller, type CallRequest, Ledger, type Outcome } from './ledger.js';
import { checkDepth, hostOf, type Nesting } from './nesting.js';
import type { PoolSettings } from './pool-options.js';
import { homeAmong, nameOf, neededVariables, route } from './routing.js';
import { type Casualty, Taint } from './taint.js';
import { candidateOf, type WorkerCandidate } from './worker-candidate.js';
import type { CallAnswerFrame, WorkerLink } from './worker-link.js';

export interface DispatcherOptions {
  readonly pool: string;
  readonly settings: PoolSettings;
  readonly clock: Clock;
  readonly telemetry: TelemetryBus;
  /** The places among which sessions find their home. */
  readonly homes: () => readonly number[];
  /** Why a call for this target cannot even wait; undefined when it can. */
  readonly refusal: (target: CallTarget) => CoilyardError | undefined;
}

/** What a caller may say about waiting. */
export interface Limits {
  readonly timeoutMs: number | undefined;
  readonly signal: AbortSignal | undefined;
}

/** What is remembered of a call besides the ledger's own record. */
interface Pending {
  readonly startedAtMs: number;
  readonly dueAtMs: number;
  sentAtMs: number;
  /** Disarms the deadline and the abort listener. */
  disarm: () => void;
  /** Runs while a cancelled call keeps its worker. */
  grace: Timer | undefined;
}

/** How long a call takes, before the first has ended. */
const FIRST_GUESS_MS = 1_000;
/** Weight of the newest call in the running mean. */
const NEWEST = 0.2;

export class Dispatcher {
  readonly #options: DispatcherOptions;
  readonly #ledger: Ledger;
  readonly #queue = new CallQueue();
  /** Calls for which other calls wait, as long as their callers do. */
  readonly #nested = new Set<Call>();
  /** The workers that accept calls. */
  readonly #candidates = new Map<WorkerLink, WorkerCandidate>();
  readonly #pending = new Map<number, Pending>();
  readonly #aborts = new AbortWatch();
  readonly #taint: Taint;
  /** Calls that were alone with a worker whose connection ended, until its exit says why. */
  readonly #suspects = new Map<WorkerLink, Call>();
  #meanMs = FIRST_GUESS_MS;

  constructor(options: DispatcherOptions) {
    this.#options = options;
    this.#taint = new Taint({ clock: options.clock, limit: options.settings.poisonAfter });
    this.#ledger = new Ledger({
      maxAttempts: options.settings.maxAttempts,
      poisonAfter: options.settings.poisonAfter,
      onSettled: (call, outcome) => this.#settled(call, outcome),
      onReleased: (call) => this.#released(call),
    });
  }

  /** Calls that wait for a worker. */
  get queued(): number {
    return this.#queue.size;
  }

  /** Calls that keep that worker busy. */
  load(link: WorkerLink): number {
    return this.#ledger.load(link);
  }

  /** Takes a call; the caller hears of it exactly once, perhaps before this returns. */
  submit(request: CallRequest, limits: Limits, caller: Caller): Call {
    const { clock, telemetry, pool } = this.#options;
    const { timeoutMs = Number.POSITIVE_INFINITY, signal } = limits;
    const call = this.#ledger.open(request, caller);
    const startedAtMs = clock.monotonicMs();
    const dueAtMs = startedAtMs + timeoutMs;
    const pending: Pending = { startedAtMs, dueAtMs, sentAtMs: startedAtMs, disarm: () => {}, grace: undefined };
    this.#pending.set(call.id, pending);
    telemetry.emit('call.started', { pool, ...describe(call) });
    const refusal =
      checkTimeout(limits.timeoutMs) ??
      checkDepth(request.nesting) ??
      this.#options.refusal(request.target) ??
      this.#taint.refusal(request);
    if (refusal !== undefined) this.#ledger.refuse(call, refusal);
    else if (signal?.aborted) this.abandon(call, (execution) => aborted(signal, execution));
    else {
      pending.disarm = this.#guard(call, limits);
      this.#queue.push(call);
      if (request.nesting !== undefined) this.#nested.add(call);
      this.#dispatch();
      if (call.state.type === 'queued') this.#refuseIf(call, this.#refusalAtHome(request));
      if (call.state.type === 'queued' && this.queued > this.#options.settings.maxQueue)
        this.#ledger.refuse(call, saturated(pool, this.queued, this.#waitMs()));
    }
    return call;
  }

  /** Answers a call's caller now; a worker that has it is told to stop. */
  abandon(call: Call, errorOf: (execution: Execution) => CoilyardError): void {
    const worker = this.#ledger.abandon(call, errorOf);
    if (worker === undefined) return;
    const { clock, settings } = this.#options;
    worker.send({ type: 'cancel', callId: call.id, reason: errorOf('unknown').message });
    const pending = this.#pending.get(call.id);
    if (pending === undefined || settings.cancelGraceMs === undefined) return;
    pending.grace = clock.setTimer(settings.cancelGraceMs, () =>
      worker.kill(ignoredCancel(worker.workerId, call.id, nameOf(call.request.target))),
    );
  }

  /** For which TypeScript function, if any, the worker's call was made. */
  nestingOf(link: WorkerLink, callId: number): Nesting | undefined {
    return this.#ledger.find(link, callId)?.request.nesting;
  }

  /** Lets a streaming call send that many more chunks. */
  credit(call: Call, chunks: number): void {
    if (call.state.type === 'sent') call.state.worker.send({ type: 'credit', callId: call.id, chunks });
  }

  /** @param place the worker's place in the pool: sessions prefer a place, whichever life is in it. */
  join(link: WorkerLink, place: number): void {
    this.#candidates.set(
      link,
      candidateOf(link, place, () => this.load(link)),
    );
    this.#dispatch();
  }

  /** The worker gets no more calls; those in hand may still end well. */
  retire(link: WorkerLink): void {
    this.#candidates.delete(link);
  }

  /** The worker is dead. */
  leave(link: WorkerLink): void {
    this.#candidates.delete(link);
    const suspect = this.#ledger.soleCall(link);
    if (suspect !== undefined) this.#suspects.set(link, suspect);
    for (const call of this.#ledger.lost(link)) this.#requeue(call);
    this.#dispatch();
  }

  /** What it died of: the call that was alone in its hands may be to blame. */
  died(link: WorkerLink, casualty: Casualty): void {
    const suspect = this.#suspects.get(link);
    this.#suspects.delete(link);
    if (suspect !== undefined && isDeadly(casualty.cause)) this.#taint.blame(suspect.request, casualty);
  }

  /** How long the call that has waited longest has done so. */
  longestWaitMs(): number {
    let sinceMs = Number.POSITIVE_INFINITY;
    for (const call of this.#queue)
      sinceMs = Math.min(sinceMs, this.#pending.get(call.id)?.startedAtMs ?? Number.POSITIVE_INFINITY);
    return Math.max(0, this.#options.clock.monotonicMs() - sinceMs);
  }

  received(link: WorkerLink, frame: CallAnswerFrame): void {
    switch (frame.type) {
      case 'chunk':
        if (!this.#ledger.chunk(link, frame.callId, frame.value)) this.#dropped(link, frame);
        return;
      case 'result':
        this.#answered(link, frame, ok(frame.value));
        return;
      case 'failure':
        this.#answered(link, frame, err(frame.error));
        return;
      case 'progress': {
        const { type: _, callId, ...progress } = frame;
        this.#ledger.callerOf(link, callId)?.progress?.(progress);
        return;
      }
      case 'log': {
        const { type: _, callId, ...entry } = frame;
        this.#ledger.callerOf(link, callId)?.log?.(entry);
        return;
      }
      default:
        assertNever(frame);
    }
  }

  /** Answers the waiting calls that cannot wait any longer, now that something changed. */
  reconsider(): void {
    for (const call of this.#queue) this.#refuseIf(call, this.#options.refusal(call.request.target));
  }

  /** Answers every waiting call with this error. */
  refuseQueued(error: CoilyardError): void {
    for (const call of this.#queue) this.#refuseIf(call, error);
  }

  #answered(link: WorkerLink, frame: Exclude<CallAnswerFrame, { type: 'chunk' }>, outcome: Outcome): void {
    const call = this.#ledger.find(link, frame.callId);
    if (call === undefined) {
      this.#dropped(link, frame);
      return;
    }
    const sentAtMs = this.#pending.get(call.id)?.sentAtMs;
    this.#taint.clear(call.request);
    if (this.#ledger.answered(link, frame.callId, outcome) === 'again') {
      this.#requeue(call);
    } else if (sentAtMs !== undefined) {
      this.#meanMs += NEWEST * (this.#options.clock.monotonicMs() - sentAtMs - this.#meanMs);
    }
    // The failure of a stream may be this side's, of a chunk that could not be read: the worker is then still at it.
    if (!outcome.ok && call.request.stream) link.send({ type: 'cancel', callId: call.id, reason: outcome.error.code });
    this.#dispatch();
  }

  /** A call that had its turn before waits again, ahead of all others; time may have taken away what it waits for. */
  #requeue(call: Call): void {
    this.#queue.pushAgain(call);
    this.#refuseIf(call, this.#options.refusal(call.request.target) ?? this.#refusalAtHome(call.request));
  }

  #refuseIf(call: Call, error: CoilyardError | undefined): void {
    if (error !== undefined) this.#ledger.refuse(call, error);
  }

  /** Sends as many of the waiting calls as there is room for, and those that a worker waits for. */
  #dispatch(): void {
    this.#dispatchToFree();
    for (const call of this.#nested) {
      if (call.state.type !== 'queued') continue;
      const home = this.#isStrict(call.request) ? this.#homeOf(call.request) : undefined;
      const host = hostOf(call.request, this.#candidates.values(), home);
      if (host !== undefined) this.#send(call, host);
    }
  }

  #dispatchToFree(): void {
    const candidates = [...this.#candidates.values()];
    const isFull = (): boolean => candidates.every(({ load, concurrency }) => load >= concurrency);
    if (isFull()) return;
    for (const call of this.#queue) {
      const home = this.#homeOf(call.request);
      const preferred = candidates.find((candidate) => candidate.place === home);
      const worker = this.#isStrict(call.request)
        ? preferred && route([preferred], call.request.target, preferred)
        : route(candidates, call.request.target, preferred);
      if (worker === undefined) continue;
      this.#send(call, worker);
      // A connection that turns out to be gone takes its worker out of the running.
      if (!this.#candidates.has(worker.link)) candidates.splice(candidates.indexOf(worker), 1);
      if (isFull()) return;
    }
  }

  /** The place that the session of a call prefers. */
  #homeOf({ sessionId }: CallRequest): number | undefined {
    return sessionId === null ? undefined : homeAmong(sessionId, this.#options.homes());
  }

  #isStrict({ sessionId, affinity }: CallRequest): boolean {
    return sessionId !== null && affinity !== 'hint';
  }

  /** Why a call that would rather fail than wait for its session's worker, or go elsewhere, fails. */
  #refusalAtHome(request: CallRequest): CoilyardError | undefined {
    if (request.affinity !== 'strict_fail_fast' || !this.#isStrict(request)) return undefined;
    const home = this.#homeOf(request);
    const candidate = [...this.#candidates.values()].find(({ place }) => place === home);
    return notAtHome(this.#options.pool, candidate?.link.workerId, this.#meanMs);
  }

  #send(call: Call, { link, capabilities }: WorkerCandidate): void {
    const { clock, settings } = this.#options;
    const pending = this.#pending.get(call.id);
    if (pending === undefined) return;
    const leftMs = pending.dueAtMs - clock.monotonicMs();
    if (leftMs <= 0) {
      // Its timer is late: this process was busy.
      this.abandon(call, (execution) => tooLate(pending.dueAtMs - pending.startedAtMs, execution));
      return;
    }
    this.#queue.serve(call);
    this.#ledger.sent(call, link);
    try {
      const { readVariables, idempotent: _, affinity: __, nesting: ___, ...request } = call.request;
      const isSent = link.send({
        type: 'call',
        callId: call.id,
        ...request,
        ...withRead(request, readVariables, neededVariables(capabilities, request.target)),
        ...(Number.isFinite(leftMs) ? { timeoutMs: leftMs } : {}),
        attempt: call.attempt,
      });
      if (isSent) {
        pending.sentAtMs = clock.monotonicMs();
        link.calls += 1;
        link.lastCall = { callId: call.id, target: nameOf(request.target), sessionId: request.sessionId };
        if (call.request.stream) link.send({ type: 'credit', callId: call.id, chunks: settings.streamWindow });
      } else {
        // The connection is gone, and its end is about to be told: then at the latest this call has its turn again.
        this.retire(link);
        this.#ledger.unsent(call);
        this.#requeue(call);
      }
    } catch (error) {
      this.#ledger.unsent(call);
      this.#ledger.refuse(call, unsendable(error));
    }
  }

  /** Ends the call for its caller when its time is up or its signal aborts. */
  #guard(call: Call, { timeoutMs, signal }: Limits): () => void {
    const timer =
      timeoutMs === undefined
        ? undefined
        : this.#options.clock.setTimer(timeoutMs, () =>
            this.abandon(call, (execution) => tooLate(timeoutMs, execution)),
          );
    const unwatch =
      signal && this.#aborts.on(signal, () => this.abandon(call, (execution) => aborted(signal, execution)));
    return () => {
      timer?.cancel();
      unwatch?.();
    };
  }

  #settled(call: Call, outcome: Outcome): void {
    this.#queue.delete(call);
    this.#nested.delete(call);
    const pending = this.#pending.get(call.id);
    if (pending === undefined) return;
    pending.disarm();
    if (call.state.type === 'settled') this.#pending.delete(call.id);
    const { clock, telemetry, pool } = this.#options;
    telemetry.emit('call.ended', {
      pool,
      ...describe(call),
      durationMs: clock.monotonicMs() - pending.startedAtMs,
      code: outcome.ok ? 'ok' : outcome.error.code,
    });
  }

  /** A call that its caller gave up keeps its worker no longer. */
  #released(call: Call): void {
    this.#pending.get(call.id)?.grace?.cancel();
    this.#pending.delete(call.id);
  }

  /** How long the queue takes to empty, as far as anyone can tell. */
  #waitMs(): number {
    const concurrency = [...this.#candidates.values()].reduce((sum, candidate) => sum + candidate.concurrency, 0);
    return (this.#meanMs * this.queued) / Math.max(1, concurrency);
  }

  #dropped({ workerId, incarnation }: WorkerLink, frame: CallAnswerFrame): void {
    this.#options.telemetry.emit('worker.frame_dropped', {
      pool: this.#options.pool,
      workerId,
      incarnation,
      frame: frame.type,
    });
  }
}

const describe = (call: Call) => ({
  callId: call.id,
  target: nameOf(call.request.target),
  sessionId: call.request.sessionId,
  workerId: call.lastWorker?.workerId ?? null,
});
