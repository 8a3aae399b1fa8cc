/** Gives the refusals of the library itself (a message that is too large, a deadline that passed) their typed detail. */

import { ServerInterceptingCall, type ServerInterceptor } from '@grpc/grpc-js';
import { withDetail } from './grpc-status.js';

const OURS = '/coilyard.v1.';

/**
 * The method of this one call is replaced, besides the wrapping that the library's types ask for: such refusals are sent
 * from the innermost call, past every wrapper.
 */
export const detailInterceptor: ServerInterceptor = (method, call) => {
  if (method.path.startsWith(OURS)) {
    const sendStatus = call.sendStatus.bind(call);
    call.sendStatus = (status) => sendStatus(withDetail(status));
  }
  return new ServerInterceptingCall(call);
};
