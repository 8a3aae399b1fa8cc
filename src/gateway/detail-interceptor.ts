/** Gives the refusals of the library itself (a message that is too large, a deadline that passed) their typed detail. */

import type { ServerInterceptingCall, ServerInterceptor } from '@grpc/grpc-js';
import { withDetail } from './grpc-status.js';

type LibraryCall = Parameters<ServerInterceptor>[1];
type SendStatus = LibraryCall['sendStatus'];

const OURS = '/coilyard.v1.';

/**
 * For one server. The method of each call is replaced, rather than the call wrapped: such refusals are sent from the
 * innermost call, past every wrapper. It also spares the hot path the wrapper.
 */
export function detailInterceptor(): ServerInterceptor {
  let ours: SendStatus | undefined;
  return (method, call) => {
    if (method.path.startsWith(OURS)) {
      // All calls are given the same function. One made for each keeps calls that are over from being collected young, which
      // costs more than all else that the gateway does for a read: `npm run bench -- gateway-get`.
      ours ??= detailed(call.sendStatus);
      call.sendStatus = ours;
    }
    // The library asks for its wrapper class but uses only the interface, which the innermost call implements too.
    return call as ServerInterceptingCall;
  };
}

function detailed(sendStatus: SendStatus): SendStatus {
  return function (this: LibraryCall, status) {
    sendStatus.call(this, withDetail(status));
  };
}
