/**
 * `Workers.Attach` as a carrier: frames of one worker over one bidirectional gRPC stream. Frames that wait are packed
 * into one message; one message is on its way at a time.
 */

import type { handleBidiStreamingCall, ServerDuplexStream } from '@grpc/grpc-js';
import { BinaryWriter } from '@bufbuild/protobuf/wire';
import { RuntimeFrame as WireFrame, WorkerFrame, WorkersService } from '../gen/coilyard/v1/workers.js';
import { CoilyardError, describeThrown } from '../kernel/errors.js';
import { decodeWorkerFrame, encodeRuntimeFrame } from '../wire/frame-codec.js';
import type { RuntimeFrame, WelcomeFrame } from '../wire/frames.js';
import { cutUp, PIECE_BYTES, PieceAssembler } from '../wire/pieces.js';
import type { Attachment, FrameReceiver } from '../workers/attachment.js';
import { bufferOf } from './bytes.js';
import { authenticate } from './authorization.js';
import type { GatewayContext } from './context.js';
import { grpcStatusOf } from './grpc-status.js';
import { decodeRequest } from './unary.js';

type AttachCall = ServerDuplexStream<Buffer, Buffer>;

/** `AttachResponse.frames`. */
const FRAMES_TAG = 10;
/** Frames are packed into one message up to this size; a larger frame has a message of its own. */
const PACK_BYTES = 1024 * 1024;
/** Room for the length of a frame. */
const HEADROOM = 16;

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
  #frames: Uint8Array[] = [];
  #isWriting = false;
  #isFlushScheduled = false;
  #state: 'open' | 'closing' | 'closed' = 'open';
  /** Why the connection ended, for the receiver. */
  #cause: unknown;
  #maxFrameBytes: number;
  #pieces: PieceAssembler;
  #lastFrameId = 0n;

  constructor(call: AttachCall, maxBytes: number) {
    this.#call = call;
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
      this.#frames = [];
      receiver.closed(cause);
    });
  }

  send(frame: RuntimeFrame): boolean {
    if (this.#state !== 'open' || this.#call.cancelled) return false;
    if (frame.type === 'welcome') this.#allow(frame);
    const bytes = WireFrame.encode(encodeRuntimeFrame(frame)).finish();
    if (bytes.byteLength > this.#maxFrameBytes)
      throw new CoilyardError('payload_too_large', `a ${frame.type} frame takes ${bytes.byteLength} bytes`, {
        details: { limit: this.#maxFrameBytes, actual: bytes.byteLength },
      });
    if (bytes.byteLength <= this.#maxBytes && bytes.byteLength <= PIECE_BYTES) this.#frames.push(bytes);
    else this.#cutUp(bytes);
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
    this.#frames = [];
    this.#call.emit('error', grpcStatusOf(error));
  }

  /** Both sides keep to what the welcome says; before it, to what fits in one message. */
  #allow({ maxFrameBytes = this.#maxBytes }: WelcomeFrame): void {
    this.#maxFrameBytes = maxFrameBytes;
    this.#pieces = new PieceAssembler(maxFrameBytes);
  }

  #cutUp(bytes: Uint8Array): void {
    this.#lastFrameId += 1n;
    for (const value of cutUp(bytes, this.#lastFrameId))
      this.#frames.push(WireFrame.encode({ frame: { $case: 'piece', value } }).finish());
  }

  readonly #flush = (): void => {
    this.#isFlushScheduled = false;
    if (this.#isWriting || this.#state === 'closed') return;
    const message = this.#pack();
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

  #pack(): Buffer | undefined {
    if (this.#frames.length === 0) return undefined;
    const writer = new BinaryWriter();
    let size = 0;
    let count = 0;
    for (const frame of this.#frames) {
      if (count > 0 && size + frame.byteLength > PACK_BYTES) break;
      writer.uint32(FRAMES_TAG).bytes(frame);
      size += frame.byteLength + HEADROOM;
      count += 1;
    }
    this.#frames = this.#frames.slice(count);
    return bufferOf(writer);
  }

  #receive(bytes: Buffer, receiver: FrameReceiver): void {
    try {
      for (const message of decodeRequest(WorkersService.attach, bytes).frames) {
        const { frame } = message;
        const whole = frame?.$case === 'piece' ? this.#pieces.take(frame.value) : undefined;
        if (whole !== undefined) receiver.receive(decodeWorkerFrame(WorkerFrame.decode(whole)));
        else if (frame?.$case !== 'piece') receiver.receive(decodeWorkerFrame(message));
      }
    } catch (error) {
      this.close(
        error instanceof CoilyardError ? error : new CoilyardError('internal', describeThrown(error), { cause: error }),
      );
    }
  }
}

const brokenOff = (): CoilyardError => new CoilyardError('worker_lost', 'the connection to the worker broke off');
