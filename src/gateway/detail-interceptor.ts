/** Gives the refusals of the library itself (a message that is too large, a deadline that passed) their typed detail. */

import type { ServerInterceptingCall, ServerInterceptor } from '@grpc/grpc-js';
import { withDetail } from './grpc-status.js';

const OURS = '/coilyard.v1.';

/**
 * The method of this one call is replaced, rather than the call wrapped: such refusals are sent from the innermost call,
 * past every wrapper. It also spares the hot path the wrapper.
 */
export const detailInterceptor: ServerInterceptor = (method, call) => {
  if (method.path.startsWith(OURS)) {
    const sendStatus = call.sendStatus.bind(call);
    call.sendStatus = (status) => sendStatus(withDetail(status));
  }
  // The library asks for its wrapper class but uses only the interface, which the innermost call implements too.
  return call as ServerInterceptingCall;
};
