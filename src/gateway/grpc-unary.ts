/** A unary method as grpc-js serves it: each call is authenticated by its metadata and answered exactly once. */

import type { handleUnaryCall, ServerUnaryCall } from '@grpc/grpc-js';
import type { Clock } from '../kernel/clock.js';
import { CoilyardError } from '../kernel/errors.js';
import { isolate } from '../kernel/isolate.js';
import type { ExecuteOptions } from '../sessions/handle.js';
import { authenticateCall } from './authorization.js';
import { callingSessionOf } from './caller.js';
import type { GatewayContext } from './context.js';
import { grpcStatusOf } from './grpc-status.js';
import type { Principal } from './principal.js';
import type { Unary, UnaryCall } from './unary.js';

export function grpcUnary(context: GatewayContext, method: Unary): handleUnaryCall<Buffer, Buffer> {
  const answer = async (call: ServerUnaryCall<Buffer, Buffer>): Promise<Buffer> => {
    const principal = authenticateCall(context, method.path, call);
    return method.answer(call.request, new GrpcCall(call, principal, context));
  };
  return (call, callback) => {
    answer(call).then(
      (bytes) => isolate(() => callback(null, bytes), `the reply to ${method.path}`),
      (thrown) => isolate(() => callback(grpcStatusOf(thrown)), `the refusal of ${method.path}`),
    );
  };
}

class GrpcCall implements UnaryCall {
  readonly #call: ServerUnaryCall<Buffer, Buffer>;
  readonly #clock: Clock;
  readonly principal: Principal;
  readonly callingSession: string | undefined;
  readonly maxReplyBytes: number;

  constructor(call: ServerUnaryCall<Buffer, Buffer>, principal: Principal, { clock, limits }: GatewayContext) {
    this.#call = call;
    this.#clock = clock;
    this.principal = principal;
    this.callingSession = callingSessionOf(call.metadata);
    this.maxReplyBytes = limits.maxSendBytes;
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
