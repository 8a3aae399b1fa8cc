/** What a worker's life and its pool know of each other. */

import type { CoilyardError } from '../kernel/errors.js';
import type { Incarnation, WorkerId } from '../kernel/ids.js';
import type { AskFrame, HelloFrame, RuntimeFrame, WorkerFrame } from '../wire/frames.js';

/** A worker that is ready, as the pool sees it. */
export interface WorkerLink {
  readonly workerId: WorkerId;
  readonly incarnation: Incarnation;
  /** What it said of itself. */
  readonly hello: HelloFrame;
  /** As `Attachment.send`. */
  send(frame: RuntimeFrame): boolean;
  /** Ends this life at once. */
  kill(error: CoilyardError): void;
}

/** What the pool hears of a life. After `gone` it hears nothing more. */
export interface WorkerListener {
  ready(link: WorkerLink): void;
  received(link: WorkerLink, frame: CallAnswerFrame): void;
  /** The worker takes no more calls; those in hand may still end well. */
  draining(link: WorkerLink): void;
  /** No frame of this life comes any more. */
  gone(link: WorkerLink): void;
}

/** The frames that are about one call. */
export type CallAnswerFrame = Exclude<Extract<WorkerFrame, { readonly callId: number }>, AskFrame>;
