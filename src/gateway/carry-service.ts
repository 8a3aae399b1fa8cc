/** `Calls.Carry`: the unary methods as frames on one stream. */

import type { handleBidiStreamingCall } from '@grpc/grpc-js';
import { CallsService } from '../gen/coilyard/v1/calls.js';
import { authenticateCall, reporting } from './authorization.js';
import { CallStream } from './call-stream.js';
import type { GatewayContext } from './context.js';
import { grpcStatusOf } from './grpc-status.js';
import type { Unary } from './unary.js';

const { path } = CallsService.carry;

/** @param methods what it carries, by path. */
export function carryRoute(
  context: GatewayContext,
  methods: ReadonlyMap<string, Unary>,
): handleBidiStreamingCall<Buffer, Buffer> {
  return (call) => {
    let giveBack = (): void => {};
    try {
      const principal = authenticateCall(context, path, call);
      giveBack = reporting(context, path, principal, () => context.quota.take(principal.name));
    } catch (error) {
      call.emit('error', grpcStatusOf(error));
      return;
    }
    const stream = new CallStream(context, methods, call);
    const forget = context.openStreams.add((error) => stream.drain(error));
    // Emitted once at the end of every call, whoever ended it.
    call.once('cancelled', () => {
      forget();
      giveBack();
      stream.abandon();
    });
    stream.start();
  };
}
