/**
 * The carrier port: one worker's connection as workers/ sees it. A carrier (the gateway's gRPC stream, a local socket, a
 * pair in memory) makes an `Attachment`, hands it to `AttachRegistry.accept` and feeds the receiver it gets back.
 * Packing the frames that wait into one message, and flow control, are the carrier's business.
 */

import type { CoilyardError } from '../kernel/errors.js';
import type { WorkerId } from '../kernel/ids.js';
import type { RuntimeFrame, WorkerFrame } from '../wire/frames.js';

/** What the carrier offers: the way to the worker. */
export interface Attachment {
  /**
   * Queues a frame; frames arrive in the order of sending. Never calls back into the receiver on the caller's stack.
   *
   * @returns false when the connection is known to be gone: the frame was not sent and never will be.
   * @throws CoilyardError when this frame cannot be put on the wire (`invalid_argument`, `payload_too_large`); nothing
   *   was sent and the connection goes on.
   */
  send(frame: RuntimeFrame): boolean;
  /** Ends the connection: without an error after flushing what was sent, with one as a failure. Idempotent. */
  close(error?: CoilyardError): void;
}

/** What the carrier feeds: the way from the worker. Neither method throws. */
export interface FrameReceiver {
  /** Takes the worker's frames one by one, in order. The first must be `hello`. */
  receive(frame: WorkerFrame): void;
  /**
   * The connection has ended, whoever ended it; called once, after the last `receive`.
   *
   * @param cause what went wrong, a frame that could not be decoded included; absent after an orderly end.
   */
  closed(cause?: unknown): void;
}

/** The worker that a token belongs to, and what that lets its tools do at the gateway. */
export interface KnownWorker {
  readonly workerId: WorkerId;
  readonly grant: SessionGrant;
}

/** The sessions that a worker may use now; they come and go with its calls. */
export interface SessionGrant {
  has(sessionId: string): boolean;
  /** Whether the life of the worker is over: no session is granted then, nor ever will be. */
  readonly isClosed: boolean;
  /** Calls back once it closes; at once when it is closed. @returns what takes that back. */
  whenClosed(callback: () => void): () => void;
}
