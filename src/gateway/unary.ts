/**
 * The one wrapper around every unary method: authenticate, decode, authorize, call, encode. Whatever is thrown on the way becomes a
 * status with its typed detail, and the call is answered exactly once.
 */

import type { handleUnaryCall, Metadata, ServerUnaryCall } from '@grpc/grpc-js';
import type { Clock } from '../kernel/clock.js';
import { CoilyardError, describeThrown, invalidArgument } from '../kernel/errors.js';
import { isolate } from '../kernel/isolate.js';
import type { ExecuteOptions } from '../sessions/handle.js';
import {
  authenticate,
  authenticateCall,
  authorizeMethod,
  authorizeSessions,
  type MethodPath,
} from './authorization.js';
import type { GatewayContext } from './context.js';
import { grpcStatusOf } from './grpc-status.js';
import type { Principal } from './principal.js';

export { authenticate };

/** A method as the generated service describes it. */
export interface RpcMethod<Request, Response> {
  readonly path: MethodPath;
  requestDeserialize(bytes: Buffer): Request;
  responseSerialize(message: Response): Buffer;
}

/** What a handler may know about its call besides the request. */
export interface UnaryCall {
  readonly principal: Principal;
  readonly metadata: Metadata;
  /** The caller's deadline and cancellation, for a command that queues. */
  executeOptions(): ExecuteOptions;
}

export function unary<Request, Response>(
  context: GatewayContext,
  method: RpcMethod<Request, Response>,
  handle: (request: Request, call: UnaryCall) => Response | Promise<Response>,
): handleUnaryCall<Buffer, Buffer> {
  const answer = async (call: ServerUnaryCall<Buffer, Buffer>): Promise<Buffer> => {
    const principal = authenticateCall(context, method.path, call);
    authorizeMethod(context, method.path, principal);
    const request = decodeRequest(method, call.request);
    authorizeSessions(context, method.path, principal, request, call.metadata);
    const response = await handle(request, new Call(call, principal, context.clock));
    return encodeResponse(method, response, context.limits.maxSendBytes);
  };
  return (call, callback) => {
    answer(call).then(
      (bytes) => isolate(() => callback(null, bytes), `the reply to ${method.path}`),
      (thrown) => isolate(() => callback(grpcStatusOf(thrown)), `the refusal of ${method.path}`),
    );
  };
}

export function decodeRequest<Request>(
  method: Pick<RpcMethod<Request, unknown>, 'requestDeserialize'>,
  bytes: Buffer,
): Request {
  try {
    return method.requestDeserialize(bytes);
  } catch (error) {
    throw invalidArgument('request', `a message of this method (${describeThrown(error)})`, bytes);
  }
}

/** A reply that cannot be sent is reported as such: the work was done. */
function encodeResponse<Response>(
  method: Pick<RpcMethod<unknown, Response>, 'responseSerialize'>,
  response: Response,
  maxBytes: number,
): Buffer {
  const bytes = method.responseSerialize(response);
  if (bytes.byteLength <= maxBytes) return bytes;
  throw new CoilyardError(
    'payload_too_large',
    `the reply takes ${bytes.byteLength} bytes, at most ${maxBytes} are sent`,
    {
      execution: 'done',
      details: { limit: maxBytes, actual: bytes.byteLength },
    },
  );
}

class Call implements UnaryCall {
  readonly #call: ServerUnaryCall<Buffer, Buffer>;
  readonly #clock: Clock;
  readonly principal: Principal;

  constructor(call: ServerUnaryCall<Buffer, Buffer>, principal: Principal, clock: Clock) {
    this.#call = call;
    this.#clock = clock;
    this.principal = principal;
  }

  get metadata(): Metadata {
    return this.#call.metadata;
  }

  executeOptions(): ExecuteOptions {
    const controller = new AbortController();
    const abort = (): void => controller.abort(new CoilyardError('cancelled', 'the caller has gone'));
    if (this.#call.cancelled) abort();
    // Also emitted after the answer, when nobody listens to the signal any more.
    else this.#call.once('cancelled', abort);
    const deadline = this.#call.getDeadline();
    const atMs = typeof deadline === 'number' ? deadline : deadline.getTime();
    const timeoutMs = atMs === Infinity ? undefined : Math.max(0, atMs - this.#clock.nowMs());
    return { signal: controller.signal, timeoutMs };
  }
}
