/**
 * The one path of every unary call, whatever carried it here: authorize, decode, call, encode. Whatever is thrown on the
 * way is for the carrier to put into its own form of a failure.
 */

import { CoilyardError, describeThrown, invalidArgument } from '../kernel/errors.js';
import type { ExecuteOptions } from '../sessions/handle.js';
import { strictly } from '../wire/strict-reader.js';
import { authorizeMethod, authorizeSessions, sessionNamedBy } from './authorization.js';
import type { Caller } from './caller.js';
import type { GatewayContext } from './context.js';
import { refusedToGuest } from './guests.js';
import type { MethodPath } from './method-scopes.js';

/** A method as the generated service describes it. */
export interface RpcMethod<Request, Response> {
  readonly path: MethodPath;
  requestDeserialize(bytes: Buffer): Request;
  responseSerialize(message: Response): Buffer;
}

/** What a handler may know about its call besides the request. */
export interface UnaryCall extends Caller {
  /** Bytes of the largest reply that its carrier takes. */
  readonly maxReplyBytes: number;
  /** The caller's deadline and cancellation, for a command that queues. */
  executeOptions(): ExecuteOptions;
}

/** A method that is served, for any carrier. */
export interface Unary {
  readonly path: MethodPath;
  /** Rejects with whatever went wrong; mostly a `CoilyardError`. */
  answer(request: Buffer, call: UnaryCall): Promise<Buffer>;
}

export function unary<Request, Response>(
  context: GatewayContext,
  method: RpcMethod<Request, Response>,
  handle: (request: Request, call: UnaryCall) => Response | Promise<Response>,
): Unary {
  const { path } = method;
  const answerGuest = async (request: Request, call: UnaryCall): Promise<Response> => {
    try {
      return await handle(request, call);
    } catch (error) {
      throw refusedToGuest(context, path, call.principal, sessionNamedBy(request), error);
    }
  };
  return {
    path,
    async answer(bytes, call) {
      const { principal, callingSession } = call;
      authorizeMethod(context, path, principal);
      const request = decodeRequest(method, bytes);
      const standing = authorizeSessions(context, path, principal, request, callingSession);
      const response = standing === 'own' ? handle(request, call) : answerGuest(request, call);
      return encodeResponse(method, await response, call.maxReplyBytes);
    },
  };
}

export function decodeRequest<Request>(
  method: Pick<RpcMethod<Request, unknown>, 'requestDeserialize'>,
  bytes: Buffer,
): Request {
  try {
    return method.requestDeserialize(strictly(bytes));
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
