/**
 * A local socket as a carrier: frames of one worker of this machine. Frames that wait are packed into one message; while
 * the socket is full they wait here, so that small ones still pass large ones that go in pieces.
 */

import type { Socket } from 'node:net';
import { CoilyardError, toCoilyardError } from '../kernel/errors.js';
import { FrameMessages } from '../wire/frame-messages.js';
import type { RuntimeFrame } from '../wire/frames.js';
import { failure, LENGTH_BYTES, MessageReader, orderlyEnd, withLength } from '../wire/socket-messages.js';
import type { Attachment, FrameReceiver } from './attachment.js';

export class LocalAttachment implements Attachment {
  readonly #socket: Socket;
  readonly #messages: FrameMessages;
  readonly #reader: MessageReader;
  #isFull = false;
  #isFlushScheduled = false;
  #state: 'open' | 'closing' | 'closed' = 'open';
  /** Why the connection ended, for the receiver. */
  #cause: unknown;

  /** @param socket that allows to be open in one direction. */
  constructor(socket: Socket, maxMessageBytes: number) {
    this.#socket = socket;
    this.#messages = new FrameMessages(maxMessageBytes, LENGTH_BYTES);
    this.#reader = new MessageReader(maxMessageBytes);
  }

  /** Reads the worker's frames until the connection ends. */
  feed(receiver: FrameReceiver): void {
    const read = (message: Buffer): void => {
      if (this.#state !== 'closed') this.#messages.read(message, (frame) => receiver.receive(frame));
    };
    this.#socket
      .on('data', (chunk: Buffer) => this.#hear(chunk, read))
      .on('drain', () => {
        this.#isFull = false;
        this.#flush();
      })
      .once('end', () => (this.#reader.hasEnded ? this.close() : this.#breakOff()))
      // Closes next, for whatever reason; with what went wrong as the cause.
      .on('error', (error) => this.#breakOff(error))
      .once('close', () => {
        if (this.#state === 'open') this.#breakOff();
        this.#messages.clear();
        receiver.closed(this.#cause);
      });
  }

  send(frame: RuntimeFrame): boolean {
    if (this.#state !== 'open') return false;
    this.#messages.push(frame);
    if (!this.#isFlushScheduled && !this.#isFull) {
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
    this.#end(error);
    // Behind what waits nobody may ever read it.
    if (this.#socket.writableLength === 0) this.#part(failure(error));
    else this.#socket.destroy();
  }

  readonly #flush = (): void => {
    this.#isFlushScheduled = false;
    while (!this.#isFull && this.#state !== 'closed') {
      const message = this.#messages.next();
      if (message !== undefined) this.#isFull = !this.#socket.write(withLength(message));
      else if (this.#state === 'closing') {
        this.#end(undefined);
        this.#part(orderlyEnd());
      } else return;
    }
  };

  #hear(chunk: Buffer, read: (message: Buffer) => void): void {
    if (this.#state === 'closed') return;
    try {
      this.#reader.push(chunk, read);
    } catch (error) {
      this.close(toCoilyardError(error));
    }
  }

  #breakOff(error?: unknown): void {
    if (this.#state !== 'closed') this.#end(brokenOff(error));
    this.#socket.destroy();
  }

  #end(cause: CoilyardError | undefined): void {
    this.#state = 'closed';
    this.#cause = cause;
    this.#messages.clear();
  }

  #part(lastWords: Buffer): void {
    this.#socket.write(lastWords);
    this.#socket.destroySoon();
  }
}

const brokenOff = (cause: unknown): CoilyardError =>
  new CoilyardError('worker_lost', 'the connection to the worker broke off', { cause });
