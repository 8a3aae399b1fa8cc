/** What a worker's life and its pool know of each other. */

import type { CoilyardError } from '../kernel/errors.js';
import type { Incarnation, WorkerId } from '../kernel/ids.js';
import type { LastCall } from './exit-record.js';
import type { Nesting } from './nesting.js';
import type { Casualty } from './taint.js';
import type { AskFrame, HelloFrame, RuntimeFrame, WorkerFrame } from '../wire/frames.js';

/** A worker that is ready, as the pool sees it. */
export interface WorkerLink {
  readonly workerId: WorkerId;
  readonly incarnation: Incarnation;
  /** What it said of itself. */
  readonly hello: HelloFrame;
  /** As `Attachment.send`. */
  send(frame: RuntimeFrame): boolean;
  /** Ends this life at once, because a call ignored its cancellation. */
  kill(error: CoilyardError): void;
  /** The last call that it was given; the pool writes it down. */
  lastCall: LastCall | undefined;
  /** Calls that it was given. */
  calls: number;
  readonly readyAtMs: number;
  /** What its last sign of life said. */
  readonly vitals: Vitals;
}

export interface Vitals {
  readonly loopLagMs: number;
  /** Of the worker and what it started; 0 when unknown. */
  readonly residentBytes: number;
}

/** What the pool hears of a life. After `gone` it hears nothing but `exited`. */
export interface WorkerListener {
  ready(link: WorkerLink): void;
  received(link: WorkerLink, frame: CallAnswerFrame): void;
  /** The worker takes no more calls; those in hand may still end well. */
  draining(link: WorkerLink): void;
  /** No frame of this life comes any more. */
  gone(link: WorkerLink): void;
  /** The TypeScript function that made the call, where that runs for the code of a worker. */
  nestingOf(link: WorkerLink, callId: number): Nesting | undefined;
  /** The process has ended. Called once for each life that was ready. */
  exited(link: WorkerLink, casualty: Casualty): void;
}

/** The frames that are about one call. */
export type CallAnswerFrame = Exclude<Extract<WorkerFrame, { readonly callId: number }>, AskFrame>;
