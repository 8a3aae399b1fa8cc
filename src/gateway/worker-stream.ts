/**
 * `Workers.Attach` as a carrier: frames of one worker over one bidirectional gRPC stream. Frames that wait are packed
 * into one message, large ones go in pieces between them; one message is on its way at a time.
 */

import type { handleBidiStreamingCall, ServerDuplexStream } from '@grpc/grpc-js';
import { WorkersService } from '../gen/coilyard/v1/workers.js';
import { CoilyardError, toCoilyardError } from '../kernel/errors.js';
import { FrameMessages } from '../wire/frame-messages.js';
import type { RuntimeFrame } from '../wire/frames.js';
import type { Attachment, FrameReceiver } from '../workers/attachment.js';
import { authenticate } from './authorization.js';
import type { GatewayContext } from './context.js';
import { widenWindow } from './flow-window.js';
import { grpcStatusOf } from './grpc-status.js';

type AttachCall = ServerDuplexStream<Buffer, Buffer>;

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
  readonly #messages: FrameMessages;
  #isWriting = false;
  #isFlushScheduled = false;
  #state: 'open' | 'closing' | 'closed' = 'open';
  /** Why the connection ended, for the receiver. */
  #cause: unknown;

  constructor(call: AttachCall, maxBytes: number) {
    this.#call = call;
    this.#messages = new FrameMessages(maxBytes);
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
      this.#messages.clear();
      receiver.closed(cause);
    });
  }

  send(frame: RuntimeFrame): boolean {
    if (this.#state !== 'open' || this.#call.cancelled) return false;
    if (frame.type === 'welcome') widenWindow(this.#call);
    this.#messages.push(frame);
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
    this.#messages.clear();
    this.#call.emit('error', grpcStatusOf(error));
  }

  readonly #flush = (): void => {
    this.#isFlushScheduled = false;
    if (this.#isWriting || this.#state === 'closed') return;
    const message = this.#messages.next();
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
      this.#messages.read(bytes, (frame) => receiver.receive(frame));
    } catch (error) {
      this.close(toCoilyardError(error));
    }
  }
}

const brokenOff = (): CoilyardError => new CoilyardError('worker_lost', 'the connection to the worker broke off');
