/**
 * Generated clients whose unary calls go as frames over `Calls.Carry`, with everything that the caller sees as it would be
 * for a call of its own.
 */

import { type ClientDuplexStream, type ClientUnaryCall, Metadata, type ServiceError } from '@grpc/grpc-js';
import {
  CallReply,
  type CallsClient,
  type CarryRequest,
  type CarryResponse,
  type CalleeFrame,
} from '../../src/gen/coilyard/v1/calls.js';
import { CALLING_SESSION } from '../../src/gateway/caller.js';
import { grpcStatusOf } from '../../src/gateway/grpc-status.js';
import { systemClock } from '../../src/kernel/clock.js';
import { CoilyardError } from '../../src/kernel/errors.js';
import { decodeErrorDetail } from '../../src/wire/error-detail.js';

type Stream = ClientDuplexStream<CarryRequest, CarryResponse>;
type Answered = (error: ServiceError | null, reply?: Buffer) => void;

interface Method {
  readonly path: string;
  readonly requestStream: boolean;
  readonly responseStream: boolean;
  readonly requestSerialize: (request: never) => Buffer;
  readonly responseDeserialize: (bytes: Buffer) => unknown;
}

/** One stream for each token, opened with its first call. */
export class CarriedCalls {
  readonly #client: CallsClient;
  readonly #streams = new Map<string, { readonly stream: Stream; readonly waiting: Map<number, Answered> }>();
  #lastId = 0;

  constructor(client: CallsClient) {
    this.#client = client;
  }

  close(): void {
    for (const { stream } of this.#streams.values()) stream.cancel();
  }

  call(path: string, message: Buffer, metadata: Metadata, timeoutMs: number | undefined, answered: Answered) {
    const authorization = metadata.get('authorization').map(String).join();
    const { stream, waiting } = this.#streams.get(authorization) ?? this.#open(authorization);
    const callId = ++this.#lastId;
    const callingSession = metadata.get(CALLING_SESSION).map(String).join();
    waiting.set(callId, answered);
    const request = { callId, method: path, message, timeoutMs, callingSession };
    stream.write({ frames: [{ frame: { $case: 'request', value: request } }] });
    return {
      cancel: () => {
        if (!waiting.delete(callId)) return;
        stream.write({ frames: [{ frame: { $case: 'cancel', value: { callId } } }] });
        answered(serviceError(new CoilyardError('cancelled', 'cancelled by the client')));
      },
    };
  }

  #open(authorization: string) {
    const metadata = new Metadata();
    if (authorization !== '') metadata.set('authorization', authorization);
    const stream = this.#client.carry(metadata);
    const waiting = new Map<number, Answered>();
    const pieces = new Map<number, Buffer[]>();
    const opened = { stream, waiting };
    this.#streams.set(authorization, opened);
    stream.on('data', ({ frames }: CarryResponse) => {
      for (const frame of frames) {
        const reply = wholeReply(frame, pieces);
        if (reply === undefined) continue;
        const answered = waiting.get(reply.callId);
        waiting.delete(reply.callId);
        const { outcome } = reply;
        if (outcome?.$case === 'message') answered?.(null, outcome.value);
        else answered?.(serviceError(decodeErrorDetail(outcome?.value)));
      }
    });
    const ended = (error: ServiceError): void => {
      this.#streams.delete(authorization);
      for (const answered of waiting.values()) answered(error);
      waiting.clear();
    };
    stream.on('error', ended);
    stream.on('end', () => ended(serviceError(new CoilyardError('store_unavailable', 'the stream has ended'))));
    return opened;
  }
}

function wholeReply({ frame }: CalleeFrame, incomplete: Map<number, Buffer[]>): CallReply | undefined {
  if (frame?.$case === 'reply') return frame.value;
  if (frame?.$case !== 'piece') throw new TypeError('a frame of an unknown kind');
  const { callId, data, last } = frame.value;
  const pieces = incomplete.get(callId) ?? [];
  pieces.push(data);
  incomplete.set(callId, pieces);
  if (!last) return undefined;
  incomplete.delete(callId);
  return CallReply.decode(Buffer.concat(pieces));
}

function serviceError(error: CoilyardError): ServiceError {
  const { code, details, metadata } = grpcStatusOf(error);
  return Object.assign(new Error(details), { code, details, metadata: metadata ?? new Metadata() });
}

/** The client with its unary methods carried; what streams goes on as ever. */
export function carried<Client extends object>(client: Client, methods: object, calls: CarriedCalls): Client {
  return new Proxy(client, {
    get(target, name) {
      const method: Method | undefined = Reflect.get(methods, name);
      if (method === undefined || method.requestStream || method.responseStream) {
        const own = Reflect.get(target, name);
        return typeof own === 'function' ? own.bind(target) : own;
      }
      return (request: never, ...rest: readonly unknown[]): Pick<ClientUnaryCall, 'cancel'> => {
        const metadata = rest.find((part) => part instanceof Metadata) ?? new Metadata();
        const answered: unknown = rest.at(-1);
        if (typeof answered !== 'function') throw new TypeError('a unary call needs a callback');
        const deadline = rest.map((part) => Object(part).deadline).find((at) => typeof at === 'number');
        const timeoutMs = deadline === undefined ? undefined : Math.max(0, Math.round(deadline - systemClock.nowMs()));
        return calls.call(method.path, method.requestSerialize(request), metadata, timeoutMs, (error, reply) =>
          answered(error, reply === undefined ? undefined : method.responseDeserialize(reply)),
        );
      };
    },
  });
}
