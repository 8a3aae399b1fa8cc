/**
 * One client's stream of calls. Each call goes the way of every unary call; what is particular here is that many share
 * one stream: none may block another, and all of them together cost bounded memory.
 */

import { Metadata, type ServerDuplexStream } from '@grpc/grpc-js';
import { CallsService } from '../gen/coilyard/v1/calls.js';
import { CoilyardError, invalidArgument, toCoilyardError } from '../kernel/errors.js';
import { TimerWheel, type WheelEntry } from '../kernel/timer-wheel.js';
import type { ExecuteOptions } from '../sessions/handle.js';
import { type CalleeFrame, refusalFrame, replyFrame } from '../wire/call-frames.js';
import { type CallerFrame, type CarriedRequest, decodeCallerFrames, decodeCallRequest } from '../wire/caller-frames.js';
import { RequestPieces } from '../wire/request-pieces.js';
import { authenticate } from './authorization.js';
import { CallOutbox } from './call-outbox.js';
import { checkedCaller } from './caller.js';
import type { GatewayContext } from './context.js';
import { grpcStatusOf } from './grpc-status.js';
import type { Principal } from './principal.js';
import type { Unary, UnaryCall } from './unary.js';

/** No more is read from a client while this many bytes of replies wait for it. */
const CROWDED_BYTES = 8 * 1024 * 1024;
/** Tell a client that its stream is accepted, and how large a request and a message with frames may be. */
const MAX_BYTES = 'coilyard-max-bytes';
const MAX_MESSAGE_BYTES = 'coilyard-max-message-bytes';

export class CallStream {
  readonly #context: GatewayContext;
  readonly #methods: ReadonlyMap<string, Unary>;
  readonly #stream: ServerDuplexStream<Buffer, Buffer>;
  readonly #calls = new Map<number, CarriedCall>();
  readonly #pieces: RequestPieces;
  readonly #outbox: CallOutbox;
  readonly #wheel: TimerWheel;
  /** Why new calls are refused. */
  #drained: CoilyardError | undefined;
  /** Whether the stream ends once every call in hand is answered. */
  #isEnding = false;
  #isClosed = false;

  constructor(
    context: GatewayContext,
    methods: ReadonlyMap<string, Unary>,
    stream: ServerDuplexStream<Buffer, Buffer>,
  ) {
    this.#context = context;
    this.#methods = methods;
    this.#stream = stream;
    this.#pieces = new RequestPieces(context.limits.maxCarriedBytes);
    this.#wheel = new TimerWheel({ clock: context.clock, onError: (error) => this.#refuse(error) });
    this.#outbox = new CallOutbox({
      maxMessageBytes: context.limits.maxSendBytes,
      write: (message, written) => stream.write(message, written),
      onWritten: () => this.#afterWrite(),
    });
  }

  start(): void {
    const accepted = new Metadata();
    const { maxCarriedBytes, maxReceiveBytes } = this.#context.limits;
    accepted.set(MAX_BYTES, String(maxCarriedBytes));
    accepted.set(MAX_MESSAGE_BYTES, String(maxReceiveBytes));
    this.#stream.sendMetadata(accepted);
    this.#stream.on('data', (bytes: Buffer) => this.#receive(bytes));
    this.#stream.once('end', () => {
      this.#isEnding = true;
      this.#endWhenDone();
    });
  }

  /** Refuses what is new and ends once the calls in hand are answered. */
  drain(error: CoilyardError): void {
    this.#drained = error;
    this.#isEnding = true;
    this.#endWhenDone();
  }

  /** The client has gone: its calls are cancelled. */
  abandon(): void {
    if (this.#isClosed) return;
    this.#close();
  }

  #receive(bytes: Buffer): void {
    if (this.#isClosed) return;
    try {
      // A token may have lost its worth since the stream was opened.
      const principal = authenticate(this.#context, CallsService.carry.path, this.#stream.metadata);
      const receivedAtMs = this.#context.clock.monotonicMs();
      for (const frame of decodeCallerFrames(bytes)) this.#take(frame, principal, receivedAtMs);
    } catch (error) {
      this.#refuse(error);
    }
    if (this.#isCrowded) this.#stream.pause();
  }

  #take(frame: CallerFrame, principal: Principal, receivedAtMs: number): void {
    switch (frame.type) {
      case 'request':
        this.#begin(frame.request, principal, receivedAtMs);
        return;
      case 'cancel':
        this.#cancel(frame.callId);
        return;
      case 'piece': {
        const { callId } = frame.piece;
        const whole = this.#pieces.take(frame.piece);
        if (whole === 'too_large') this.#outbox.push(refusalFrame(callId, tooLarge(this.#context)));
        else if (whole !== undefined) this.#begin(decodePieced(whole, callId), principal, receivedAtMs);
      }
    }
  }

  #begin(request: CarriedRequest, principal: Principal, receivedAtMs: number): void {
    const { callId } = request;
    if (this.#calls.has(callId)) throw invalidArgument('call_id', 'one that is not among the calls in hand', callId);
    if (this.#calls.size >= this.#context.limits.maxConcurrentStreams) {
      this.#outbox.push(refusalFrame(callId, tooMany(this.#context)));
      return;
    }
    const call = new CarriedCall(request, principal, receivedAtMs, this.#context);
    this.#calls.set(callId, call);
    const expire = (): void => {
      call.cancel();
      this.#refuseCall(call, new CoilyardError('deadline_exceeded', 'the time is over'));
    };
    if (request.timeoutMs !== undefined) call.timer = this.#wheel.schedule(receivedAtMs + request.timeoutMs, expire);
    try {
      this.#admit(request)
        .answer(request.message, call)
        .then(
          (reply) => this.#settle(call, replyFrame(callId, reply)),
          (thrown) => this.#refuseCall(call, thrown),
        );
    } catch (error) {
      this.#refuseCall(call, error);
    }
  }

  /** Throws what refuses a request before its method is asked. */
  #admit({ method: path, timeoutMs, callingSession }: CarriedRequest): Unary {
    if (this.#drained !== undefined) throw this.#drained;
    const method = this.#methods.get(path);
    if (method === undefined) throw invalidArgument('method', 'the path of a unary method of coilyard.v1', path);
    if (timeoutMs === 0)
      throw new CoilyardError('deadline_exceeded', 'no time was left when the call came', { execution: 'not_started' });
    if (callingSession !== '') checkedCaller(callingSession);
    return method;
  }

  #refuseCall(call: CarriedCall, thrown: unknown): void {
    this.#settle(call, refusalFrame(call.id, toCoilyardError(thrown)));
  }

  /** Once for each call, and not for one that was cancelled. */
  #settle(call: CarriedCall, frame: CalleeFrame): void {
    if (this.#calls.get(call.id) !== call) return;
    this.#calls.delete(call.id);
    call.timer?.cancel();
    this.#outbox.push(frame);
    this.#afterWrite();
  }

  #cancel(callId: number): void {
    this.#pieces.forget(callId);
    const call = this.#calls.get(callId);
    this.#calls.delete(callId);
    call?.timer?.cancel();
    call?.cancel();
    this.#afterWrite();
  }

  get #isCrowded(): boolean {
    return this.#outbox.waitingBytes > CROWDED_BYTES;
  }

  #afterWrite(): void {
    if (this.#stream.isPaused() && !this.#isCrowded) this.#stream.resume();
    this.#endWhenDone();
  }

  #endWhenDone(): void {
    if (!this.#isEnding || this.#isClosed || this.#calls.size > 0 || !this.#outbox.isEmpty) return;
    this.#close();
    if (this.#drained === undefined) this.#stream.end();
    else this.#stream.emit('error', grpcStatusOf(this.#drained));
  }

  /** The stream itself cannot go on. */
  #refuse(error: unknown): void {
    this.#close();
    this.#stream.emit('error', grpcStatusOf(error));
  }

  #close(): void {
    this.#isClosed = true;
    this.#outbox.close();
    this.#wheel.close();
    for (const call of this.#calls.values()) call.cancel();
    this.#calls.clear();
  }
}

class CarriedCall implements UnaryCall {
  readonly id: number;
  readonly principal: Principal;
  readonly maxReplyBytes: number;
  readonly #request: CarriedRequest;
  readonly #receivedAtMs: number;
  readonly #context: GatewayContext;
  /** Ends the call when its time is over. */
  timer: WheelEntry | undefined;
  #controller: AbortController | undefined;
  #isCancelled = false;

  constructor(request: CarriedRequest, principal: Principal, receivedAtMs: number, context: GatewayContext) {
    this.id = request.callId;
    this.principal = principal;
    this.maxReplyBytes = context.limits.maxCarriedBytes;
    this.#request = request;
    this.#receivedAtMs = receivedAtMs;
    this.#context = context;
  }

  get callingSession(): string | undefined {
    return this.#request.callingSession === '' ? undefined : this.#request.callingSession;
  }

  executeOptions(): ExecuteOptions {
    this.#controller = new AbortController();
    if (this.#isCancelled) this.#abort();
    const { timeoutMs } = this.#request;
    const passedMs = this.#context.clock.monotonicMs() - this.#receivedAtMs;
    return {
      signal: this.#controller.signal,
      timeoutMs: timeoutMs === undefined ? undefined : Math.max(0, timeoutMs - passedMs),
    };
  }

  cancel(): void {
    this.#isCancelled = true;
    this.#abort();
  }

  #abort(): void {
    this.#controller?.abort(new CoilyardError('cancelled', 'the caller has gone'));
  }
}

function decodePieced(bytes: Buffer, callId: number): CarriedRequest {
  const request = decodeCallRequest(bytes);
  if (request.callId !== callId) throw invalidArgument('call_id', `that of its pieces, ${callId}`, request.callId);
  return request;
}

function tooMany({ limits }: GatewayContext): CoilyardError {
  const limit = limits.maxConcurrentStreams;
  return new CoilyardError('rate_limited', `this stream has ${limit} calls in hand, which is all it may have`, {
    execution: 'not_started',
    details: { limit },
  });
}

function tooLarge({ limits }: GatewayContext): CoilyardError {
  return new CoilyardError('payload_too_large', 'the requests of this stream that come in pieces are too large', {
    execution: 'not_started',
    details: { limit: limits.maxCarriedBytes },
  });
}
