/** The client's end of one stream of calls, frame by frame. */

import { Metadata, type ServiceError } from '@grpc/grpc-js';
import { type CallPiece, CallReply, type CallerFrame, type CarryResponse } from '../../src/gen/coilyard/v1/calls.js';
import type { CoilyardError } from '../../src/kernel/errors.js';
import { decodeErrorDetail } from '../../src/wire/error-detail.js';
import { type Refusal, refusalOf, type TestGateway } from './gateway-host.js';

export class CallLine {
  readonly #stream;
  readonly #replies = new Map<number, CallReply>();
  readonly #order: number[] = [];
  readonly #waiting = new Map<number, (reply: CallReply) => void>();
  readonly #pieces = new Map<number, Buffer[]>();
  readonly ended: Promise<Refusal | 'ok'>;
  readonly accepted: Promise<Metadata>;

  constructor(host: TestGateway, token?: string) {
    const metadata = new Metadata();
    if (token !== undefined) metadata.set('authorization', `Bearer ${token}`);
    this.#stream = host.calls.carry(metadata);
    this.accepted = new Promise((resolve) => this.#stream.once('metadata', resolve));
    this.#stream.on('data', ({ frames }: CarryResponse) => {
      for (const { frame } of frames)
        if (frame?.$case === 'reply') this.#take(frame.value);
        else if (frame?.$case === 'piece') this.#collect(frame.value);
    });
    this.ended = new Promise((resolve) => {
      this.#stream.on('error', (error: ServiceError) => resolve(refusalOf(error)));
      this.#stream.on('end', () => resolve('ok'));
    });
  }

  /** The ids of the calls that were answered, in that order. */
  get answered(): readonly number[] {
    return this.#order;
  }

  send(...frames: CallerFrame['frame'][]): void {
    this.#stream.write({ frames: frames.map((frame) => ({ frame })) });
  }

  reply(callId: number): Promise<CallReply> {
    const known = this.#replies.get(callId);
    if (known !== undefined) return Promise.resolve(known);
    return new Promise((resolve) => this.#waiting.set(callId, resolve));
  }

  async message(callId: number): Promise<Buffer> {
    const { outcome } = await this.reply(callId);
    if (outcome?.$case !== 'message') throw decodeErrorDetail(outcome?.value);
    return outcome.value;
  }

  async error(callId: number): Promise<CoilyardError> {
    const { outcome } = await this.reply(callId);
    if (outcome?.$case !== 'error') throw new Error(`call ${callId} was not refused`);
    return decodeErrorDetail(outcome.value);
  }

  pause = (): unknown => this.#stream.pause();
  resume = (): unknown => this.#stream.resume();
  end = (): unknown => this.#stream.end();
  hangUp = (): void => this.#stream.cancel();

  #collect({ callId, data, last }: CallPiece): void {
    const pieces = this.#pieces.get(callId) ?? [];
    pieces.push(data);
    this.#pieces.set(callId, pieces);
    if (last) this.#take(CallReply.decode(Buffer.concat(pieces)));
  }

  #take(reply: CallReply): void {
    this.#order.push(reply.callId);
    this.#replies.set(reply.callId, reply);
    this.#waiting.get(reply.callId)?.(reply);
  }
}
