/**
 * The telemetry bus: one typed table of events, synchronous delivery, listeners that cannot hurt whoever emits.
 * Emitting without a listener costs one look-up; hot paths ask {@link TelemetryBus.wants} before they build the fields.
 */

import { EventEmitter } from 'eventemitter3';
import { type ErrorCode, invalidArgument } from './errors.js';
import { eventNamesLike, isEventName } from './event-names.js';
import type { ExitReason } from './exit-reason.js';
import { isThenable } from './isolate.js';

/** Event name → fields. Names and fields are public API. Durations in milliseconds, instants in epoch milliseconds. */
export interface RuntimeEvents {
  'runtime.started': { readonly atMs: number };
  'runtime.stopping': { readonly atMs: number };
  'runtime.stopped': { readonly atMs: number; readonly killed: readonly string[] };
  'gateway.listening': { readonly host: string; readonly port: number };
  'gateway.refused': {
    readonly method: string;
    readonly code: ErrorCode;
    /** The name of who was refused; `null`: nobody knows who it was. */
    readonly principal: string | null;
  };
  'session.started': { readonly sessionId: string; readonly revision: number };
  'session.stopped': { readonly sessionId: string; readonly reason: ExitReason };
  'session.expired': { readonly sessionId: string };
  'session.crashed': { readonly sessionId: string; readonly error: unknown; readonly revision: number };
  'variable.registered': VariableEvent & { readonly variableType: string; readonly value: unknown };
  'variable.updated': VariableEvent & {
    readonly oldValue: unknown;
    readonly value: unknown;
    readonly version: number;
    readonly durationMs: number;
  };
  'variable.configured': VariableEvent & { readonly settings: readonly string[] };
  'variable.deleted': VariableEvent & { readonly oldValue: unknown };
  'variable.refused': {
    readonly sessionId: string;
    readonly command: string;
    /** What the caller called it; empty when the command was about many. */
    readonly variable: string;
    readonly code: ErrorCode;
    readonly source: string;
    /** The calling session; `null`: the owner. */
    readonly principal: string | null;
  };
  'optimization.started': OptimizationEvent & { readonly optimizer: string; readonly variables: readonly string[] };
  /** A trial has ended; `score` is `null` when it has failed. */
  'optimization.trial': OptimizationEvent & {
    readonly iteration: number;
    readonly score: number | null;
    readonly durationMs: number;
  };
  'optimization.ended': OptimizationEvent & {
    /** `max_iterations`, `converged`, `exhausted`, `stopped`, … */
    readonly reason: string;
    readonly iterations: number;
    readonly bestScore: number | null;
    readonly durationMs: number;
  };
  'observer.failed': { readonly sessionId: string; readonly error: unknown };
  'child.started': ChildEvent;
  'child.exited': ChildEvent & { readonly reason: ExitReason };
  'child.restart_scheduled': ChildEvent & { readonly delayMs: number; readonly attempt: number };
  'child.restart_failed': ChildEvent & { readonly error: unknown };
  'child.restarted': ChildEvent;
  'child.gave_up': ChildEvent & { readonly reason: ExitReason };
  'child.stop_timeout': ChildEvent;
  'child.breaker': ChildEvent & { readonly state: 'open' | 'half_open' | 'closed' };
  'worker.started': WorkerEvent & { readonly pid: number | null };
  'worker.ready': WorkerEvent & { readonly pid: number; readonly startMs: number };
  'worker.exited': WorkerEvent & {
    readonly reason: ExitReason;
    readonly stderr: readonly string[];
    readonly pid: number | null;
    /** What it died of: `drained`, `out_of_memory`, `segmentation_fault`, `hung`, … */
    readonly cause: string;
    readonly signal: string | null;
    readonly code: number | null;
    /** The last call that it was given. */
    readonly lastCall: { readonly callId: number; readonly target: string; readonly sessionId: string | null } | null;
    /** As its last sign of life said. */
    readonly residentBytes: number;
  };
  'worker.recycled': WorkerEvent & { readonly why: 'calls' | 'age' | 'memory' };
  'worker.frame_dropped': WorkerEvent & { readonly frame: string };
  'worker.log': WorkerEvent & { readonly line: string };
  'zygote.started': ZygoteEvent & { readonly pid: number | null };
  'zygote.ready': ZygoteEvent & { readonly pid: number | null; readonly startMs: number };
  /** Its imports left threads, or something of gRPC, that a fork would not survive: workers are started cold. */
  'zygote.unfit': ZygoteEvent & { readonly objections: readonly string[] };
  /** A worker is started cold although its pool would rather have it forked. */
  'zygote.bypassed': ZygoteEvent & {
    readonly workerId: string;
    readonly incarnation: number;
    readonly reason: string;
    readonly objections: readonly string[];
  };
  'zygote.exited': ZygoteEvent & { readonly reason: ExitReason; readonly stderr: readonly string[] };
  'zygote.log': ZygoteEvent & { readonly line: string };
  'call.started': CallEvent;
  'call.ended': CallEvent & { readonly durationMs: number; readonly code: ErrorCode | 'ok' };
  'run.started': RunEvent;
  'run.ended': RunEvent & { readonly durationMs: number; readonly code: ErrorCode | 'ok' };
  'telemetry.listener_failed': { readonly event: string; readonly error: unknown };
}

interface VariableEvent {
  readonly sessionId: string;
  readonly variableId: string;
  readonly name: string;
  readonly source: string;
  readonly revision: number;
}
interface OptimizationEvent {
  readonly sessionId: string;
  readonly optimizationId: string;
  readonly revision: number;
}
interface ChildEvent {
  readonly supervisor: string;
  readonly childId: string;
}
interface WorkerEvent {
  readonly pool: string;
  readonly workerId: string;
  readonly incarnation: number;
}
interface ZygoteEvent {
  /** Its id in the tree: `zygote:` and what it imports. */
  readonly zygote: string;
}
interface CallEvent {
  readonly pool: string;
  readonly callId: number;
  readonly target: string;
  readonly sessionId: string | null;
  readonly workerId: string | null;
}
interface RunEvent {
  readonly agent: string;
  readonly sessionId: string;
  readonly runId: string;
}

export type EventName = keyof RuntimeEvents;

export class TelemetryBus {
  readonly #emitter = new EventEmitter();

  /**
   * Calls `listener` with the fields of every later event of that name, synchronously and in order of subscription.
   * A listener that throws or rejects is removed and reported once as `telemetry.listener_failed`.
   *
   * @returns the unsubscribe function; idempotent.
   * @throws CoilyardError `invalid_argument` for a name that no event has.
   */
  on<Name extends EventName>(name: Name, listener: (fields: RuntimeEvents[Name]) => unknown): () => void {
    if (!isEventName(name))
      throw invalidArgument('name', `the name of an event, such as ${eventNamesLike(name).join(', ')}`, name);
    if (typeof listener !== 'function') throw invalidArgument('listener', 'a function', listener);
    let active = true;
    const off = (): void => {
      active = false;
      this.#emitter.off(name, isolated);
    };
    const failed = (error: unknown): void => {
      if (!active) return;
      off();
      if (name !== 'telemetry.listener_failed') this.emit('telemetry.listener_failed', { event: name, error });
    };
    const isolated = (fields: RuntimeEvents[Name]): void => {
      if (!active) return;
      try {
        const result = listener(fields);
        if (isThenable(result)) result.then(undefined, failed);
      } catch (error) {
        failed(error);
      }
    };
    this.#emitter.on(name, isolated);
    return off;
  }

  /** Whether anyone listens; lets a hot path skip building the fields. */
  wants(name: EventName): boolean {
    return this.#emitter.listenerCount(name) > 0;
  }

  emit<Name extends EventName>(name: Name, fields: RuntimeEvents[Name]): void {
    this.#emitter.emit(name, fields);
  }

  /** Forgets every listener. */
  close(): void {
    this.#emitter.removeAllListeners();
  }
}
