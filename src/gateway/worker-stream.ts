/**
 * `Workers.Attach` as a carrier: frames of one worker over one bidirectional gRPC stream. Frames that wait are packed
 * into one message, large ones go in pieces between them; one message is on its way at a time.
 */

import type { handleBidiStreamingCall, ServerDuplexStream } from '@grpc/grpc-js';
import { WorkerFrame, WorkersService } from '../gen/coilyard/v1/workers.js';
import { CoilyardError, describeThrown } from '../kernel/errors.js';
import { runtimeFrameBytes } from '../wire/frame-bytes.js';
import { decodeWorkerFrame } from '../wire/frame-codec.js';
import type { RuntimeFrame, WelcomeFrame } from '../wire/frames.js';
import { onlyPiece, type Piece, PieceAssembler } from '../wire/pieces.js';
import { sizeOf } from '../wire/rope-writer.js';
import type { Attachment, FrameReceiver } from '../workers/attachment.js';
import { authenticate } from './authorization.js';
import type { GatewayContext } from './context.js';
import { widenWindow } from './flow-window.js';
import { FrameQueue } from './frame-queue.js';
import { grpcStatusOf } from './grpc-status.js';
import { decodeRequest } from './unary.js';

type AttachCall = ServerDuplexStream<Buffer, Buffer>;

/** Room for the length of a frame. */
const HEADROOM = 16;
/** Messages from here on may be pieces: it pays to look. */
const LARGE_MESSAGE_BYTES = 64 * 1024;

export function attachRoute(context: GatewayContext): handleBidiStreamingCall<Buffer, Buffer> {
  return (call) => {
    try {
      // The token in the hello is what lets a worker in; a client's token alone does not, a wrong one is refused here.
      if (call.metadata.get('authorization').length > 0)
        authenticate(context, WorkersService.attach.path, call.metadata);
    } catch (error) {
      call.emit('error', grpcStatusOf(error));
      return;
    }
    const stream = new WorkerStream(call, context.limits.maxSendBytes);
    const forget = context.openStreams.add(() => stream.close());
    call.once('cancelled', forget);
    stream.feed(context.workers.accept(stream));
  };
}

class WorkerStream implements Attachment {
  readonly #call: AttachCall;
  readonly #maxBytes: number;
  readonly #queue: FrameQueue;
  #isWriting = false;
  #isFlushScheduled = false;
  #state: 'open' | 'closing' | 'closed' = 'open';
  /** Why the connection ended, for the receiver. */
  #cause: unknown;
  #maxFrameBytes: number;
  #pieces: PieceAssembler;

  constructor(call: AttachCall, maxBytes: number) {
    this.#call = call;
    this.#queue = new FrameQueue(maxBytes);
    this.#maxBytes = maxBytes - HEADROOM;
    this.#maxFrameBytes = this.#maxBytes;
    this.#pieces = new PieceAssembler(this.#maxBytes);
  }

  /** Reads the worker's frames until the connection ends. */
  feed(receiver: FrameReceiver): void {
    const call = this.#call;
    call.on('data', (bytes: Buffer) => this.#receive(bytes, receiver));
    // A stream that is broken off ends too, and is cancelled in the same turn of the loop.
    call.once('end', () => setImmediate(() => this.close()));
    // Emitted once at the end of every call, whoever ended it.
    call.once('cancelled', () => {
      const cause = this.#state === 'open' ? brokenOff() : this.#cause;
      this.#state = 'closed';
      this.#queue.clear();
      receiver.closed(cause);
    });
  }

  send(frame: RuntimeFrame): boolean {
    if (this.#state !== 'open' || this.#call.cancelled) return false;
    if (frame.type === 'welcome') this.#allow(frame);
    const bytes = runtimeFrameBytes(frame);
    const actual = sizeOf(bytes);
    if (actual > this.#maxFrameBytes)
      throw new CoilyardError('payload_too_large', `a ${frame.type} frame takes ${actual} bytes`, {
        details: { limit: this.#maxFrameBytes, actual },
      });
    this.#queue.push(bytes, callOf(frame));
    if (!this.#isFlushScheduled && !this.#isWriting) {
      this.#isFlushScheduled = true;
      queueMicrotask(this.#flush);
    }
    return true;
  }

  close(error?: CoilyardError): void {
    if (this.#state === 'closed' || (this.#state === 'closing' && error === undefined)) return;
    if (error === undefined) {
      this.#state = 'closing';
      this.#flush();
      return;
    }
    this.#state = 'closed';
    this.#cause = error;
    this.#queue.clear();
    this.#call.emit('error', grpcStatusOf(error));
  }

  /** Both sides keep to what the welcome says; before it, to what fits in one message and one common window. */
  #allow({ maxFrameBytes = this.#maxBytes }: WelcomeFrame): void {
    this.#maxFrameBytes = maxFrameBytes;
    this.#pieces = new PieceAssembler(maxFrameBytes);
    widenWindow(this.#call);
  }

  readonly #flush = (): void => {
    this.#isFlushScheduled = false;
    if (this.#isWriting || this.#state === 'closed') return;
    const message = this.#queue.next();
    if (message === undefined) {
      if (this.#state === 'closing') this.#finish();
      return;
    }
    this.#isWriting = true;
    // The callback comes once the message has gone through the worker's flow control.
    this.#call.write(message, () => {
      this.#isWriting = false;
      this.#flush();
    });
  };

  #finish(): void {
    this.#state = 'closed';
    this.#call.end();
  }

  #receive(bytes: Buffer, receiver: FrameReceiver): void {
    try {
      const piece = bytes.byteLength < LARGE_MESSAGE_BYTES ? undefined : onlyPiece(bytes);
      if (piece !== undefined) this.#receivePiece(piece, receiver);
      else
        for (const message of decodeRequest(WorkersService.attach, bytes).frames) {
          const { frame } = message;
          if (frame?.$case === 'piece') this.#receivePiece(frame.value, receiver);
          else receiver.receive(decodeWorkerFrame(message));
        }
    } catch (error) {
      this.close(
        error instanceof CoilyardError ? error : new CoilyardError('internal', describeThrown(error), { cause: error }),
      );
    }
  }

  #receivePiece(piece: Piece, receiver: FrameReceiver): void {
    const whole = this.#pieces.take(piece);
    if (whole !== undefined) receiver.receive(decodeWorkerFrame(WorkerFrame.decode(whole)));
  }
}

/** Frames about one call or one ask keep their order; the others come after what was sent before. */
const callOf = (frame: RuntimeFrame): string | undefined =>
  'callId' in frame ? `call ${frame.callId}` : 'askId' in frame ? `ask ${frame.askId}` : undefined;

const brokenOff = (): CoilyardError => new CoilyardError('worker_lost', 'the connection to the worker broke off');
