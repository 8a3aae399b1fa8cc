/** Who writes, and the id that makes a retry harmless: the same in every request that changes something. */

import { optionalText } from './fields.js';

/** What a writer is called that does not say who it is. */
const ANONYMOUS_SOURCE = 'grpc';

export interface Writer {
  readonly source: string;
  readonly requestId?: string;
}

export function writer(request: { readonly requestId: string; readonly source?: string }): Writer {
  const requestId = optionalText(request.requestId, 'request_id');
  return {
    source: optionalText(request.source ?? '', 'source') ?? ANONYMOUS_SOURCE,
    ...(requestId === undefined ? {} : { requestId }),
  };
}
