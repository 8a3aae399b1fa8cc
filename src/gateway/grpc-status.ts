/** Failures as grpc-js wants them: a number, a text, and the typed detail in the trailer. */

import { Metadata, type ServerInterceptingCall, type StatusObject, status as Status } from '@grpc/grpc-js';
import { CoilyardError, type ErrorCode, toCoilyardError } from '../kernel/errors.js';
import { encodeStatus, STATUS_DETAILS_KEY } from '../wire/status.js';

/** What the innermost call of grpc-js is asked to send. */
type LibraryStatus = Parameters<ServerInterceptingCall['sendStatus']>[0];

/** Total: whatever was thrown becomes a status with its detail. */
export function grpcStatusOf(thrown: unknown): StatusObject {
  const { code, message, details } = encodeStatus(toCoilyardError(thrown));
  const metadata = new Metadata();
  metadata.set(STATUS_DETAILS_KEY, Buffer.from(details.buffer, details.byteOffset, details.byteLength));
  return { code, details: message, metadata };
}

/** What the library itself refuses, by its status. Others pass as they are. */
const ofTheLibrary: ReadonlyMap<number, ErrorCode> = new Map([
  [Status.CANCELLED, 'cancelled'],
  [Status.UNKNOWN, 'internal'],
  [Status.DEADLINE_EXCEEDED, 'deadline_exceeded'],
  // The only thing that grpc-js finds exhausted is the limit on the size of a message.
  [Status.RESOURCE_EXHAUSTED, 'payload_too_large'],
  [Status.INTERNAL, 'internal'],
]);

/** Gives a status of the library its typed detail; one that has it already is left alone. */
export function withDetail(status: LibraryStatus): LibraryStatus {
  const code = ofTheLibrary.get(status.code);
  if (code === undefined || (status.metadata?.get(STATUS_DETAILS_KEY).length ?? 0) > 0) return status;
  return grpcStatusOf(new CoilyardError(code, status.details));
}
