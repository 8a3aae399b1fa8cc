/** `Calls.Carry`: the unary methods as frames on one stream. */

import type { handleBidiStreamingCall } from '@grpc/grpc-js';
import { CallsService } from '../gen/coilyard/v1/calls.js';
import { CallStream } from './call-stream.js';
import type { GatewayContext } from './context.js';
import { admitStream, openStream } from './stream-admission.js';
import type { Unary } from './unary.js';

const { path } = CallsService.carry;

/** @param methods what it carries, by path. */
export function carryRoute(
  context: GatewayContext,
  methods: ReadonlyMap<string, Unary>,
): handleBidiStreamingCall<Buffer, Buffer> {
  return (call) =>
    openStream(
      context.openStreams,
      call,
      () => admitStream(context, path, call).giveBack,
      () => {
        const stream = new CallStream(context, methods, call);
        stream.start();
        return { end: (error) => stream.drain(error), closed: () => stream.abandon() };
      },
    );
}
