/** A place of a pool. */

import { type Incarnation, incarnation, type WorkerId, workerId } from '../kernel/ids.js';
import type { HelloFrame } from '../wire/frames.js';
import type { Capabilities } from './routing.js';

/** One place of the pool. Lives come and go in it; it counts them. */
export interface Slot {
  readonly workerId: WorkerId;
  incarnation: Incarnation;
  phase: 'idle' | 'starting' | 'ready' | 'down';
  /** Whether it shall have a worker. */
  isWanted: boolean;
  /** Whether the last life that was to start in it did not. */
  hasFailed: boolean;
  /** Of a place for a worker that somebody else starts: what lets that worker in, each time it comes. */
  readonly token?: string;
  /** What the last life in this place said of itself. */
  known: { readonly hello: HelloFrame; readonly capabilities: Capabilities } | undefined;
}

/** One place as data, for people and for tests. */
export interface SlotInfo {
  readonly workerId: WorkerId;
  readonly incarnation: Incarnation;
  readonly phase: Slot['phase'];
  /** Of the last life; null before the first hello. */
  readonly pid: number | null;
  /** Calls in hand. */
  readonly load: number;
  /** Calls that this life was given. */
  readonly calls: number;
  /** As its last sign of life said: memory of the worker and what it started, and how late its event loop was. */
  readonly residentBytes: number;
  readonly loopLagMs: number;
}

/** @param token of a place for a worker that somebody else starts. */
export function aSlot(pool: string, place: number, isWanted: boolean, token?: string): Slot {
  return {
    workerId: workerId(`${pool}-${place}`),
    incarnation: incarnation(0),
    phase: 'idle',
    isWanted,
    hasFailed: false,
    known: undefined,
    ...(token === undefined ? {} : { token }),
  };
}
