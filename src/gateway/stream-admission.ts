/** How a stream comes to stay: who opens it is proven and counted, the end of the gateway ends it, its own end is noticed. */

import { authenticateCall, type IncomingCall, reporting } from './authorization.js';
import type { GatewayContext } from './context.js';
import { grpcStatusOf } from './grpc-status.js';
import type { EndStream, OpenStreams } from './open-streams.js';
import type { Principal } from './principal.js';

export interface Admission {
  readonly principal: Principal;
  /** To be called once the stream has ended; idempotent. */
  readonly giveBack: () => void;
}

/** Proves who opens a stream, and that it may have one more. Reports a refusal and throws it on. */
export function admitStream(context: GatewayContext, path: string, call: IncomingCall): Admission {
  const principal = authenticateCall(context, path, call);
  return { principal, giveBack: reporting(context, path, principal, () => context.quota.take(principal.name)) };
}

/** What is used of a call of the library. */
interface StreamCall {
  emit(event: 'error', status: ReturnType<typeof grpcStatusOf>): unknown;
  /** Emitted once at the end of every call, whoever ended it. */
  once(event: 'cancelled', listener: () => void): unknown;
}

export interface OpenedStream {
  readonly end: EndStream;
  /** Called once the call has ended, by whoever. */
  readonly closed?: () => void;
}

/**
 * Opens a stream that stays open until somebody ends it.
 *
 * @param take counts it and returns what gives it back; what it throws is what the caller is told.
 */
export function openStream(
  openStreams: OpenStreams,
  call: StreamCall,
  take: () => () => void,
  open: () => OpenedStream,
): void {
  let giveBack: () => void;
  try {
    giveBack = take();
  } catch (error) {
    call.emit('error', grpcStatusOf(error));
    return;
  }
  const { end, closed } = open();
  const forget = openStreams.add(end);
  call.once('cancelled', () => {
    forget();
    giveBack();
    closed?.();
  });
}
