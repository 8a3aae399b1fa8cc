/**
 * A failure as a gRPC status: the number, a text, and `google.rpc.Status` with one `ErrorDetail` for the trailer
 * `grpc-status-details-bin`. Bounded: metadata beyond 8 kB would kill the call that is to be explained.
 */

import { BinaryWriter } from '@bufbuild/protobuf/wire';
import { ErrorDetail } from '../gen/coilyard/v1/errors.js';
import { Value } from '../gen/coilyard/v1/value.js';
import { type CoilyardError, type ErrorKind, errorKinds, type GrpcStatusName } from '../kernel/errors.js';
import { encodeErrorDetail } from './error-detail.js';

export interface WireStatus {
  /** The number of the gRPC status. */
  readonly code: number;
  /** For people: well-formed and bounded, also when percent-encoded. */
  readonly message: string;
  /** `google.rpc.Status`. */
  readonly details: Uint8Array;
}

export const STATUS_DETAILS_KEY = 'grpc-status-details-bin';
export const ERROR_DETAIL_TYPE_URL = 'type.googleapis.com/coilyard.v1.ErrorDetail';

/** Together, with base64 and percent-encoding, well below 8 kB. */
const MAX_MESSAGE_LENGTH = 1200;
const MAX_DETAIL_BYTES = 3000;
const MAX_TEXT_LENGTH = 800;

export const grpcStatusNumbers = {
  CANCELLED: 1,
  UNKNOWN: 2,
  INVALID_ARGUMENT: 3,
  DEADLINE_EXCEEDED: 4,
  NOT_FOUND: 5,
  ALREADY_EXISTS: 6,
  PERMISSION_DENIED: 7,
  RESOURCE_EXHAUSTED: 8,
  FAILED_PRECONDITION: 9,
  ABORTED: 10,
  OUT_OF_RANGE: 11,
  INTERNAL: 13,
  UNAVAILABLE: 14,
  UNAUTHENTICATED: 16,
} as const satisfies Record<GrpcStatusName, number>;

/** Total: never throws, whatever the error carries. */
export function encodeStatus(error: CoilyardError): WireStatus {
  const kind: ErrorKind = errorKinds[error.code];
  const code = grpcStatusNumbers[kind.grpc];
  const message = shortMessage(error.message);
  const any = new BinaryWriter().uint32(10).string(ERROR_DETAIL_TYPE_URL).uint32(18).bytes(boundedDetail(error));
  const details = new BinaryWriter().uint32(8).int32(code).uint32(18).string(message).uint32(26).bytes(any.finish());
  return { code, message, details: details.finish() };
}

function shortMessage(text: string): string {
  let message = text.slice(0, MAX_MESSAGE_LENGTH).toWellFormed();
  // A character outside of ASCII takes up to nine in the header.
  while (encodeURI(message).length > MAX_MESSAGE_LENGTH)
    message = message.slice(0, Math.floor(message.length * 0.8)).toWellFormed();
  return message.length < text.length ? `${message}…` : message;
}

/** Long texts are cut in the middle; when that is not enough, the largest particulars are left out. */
function boundedDetail(error: CoilyardError): Uint8Array {
  const detail = encodeErrorDetail(error);
  detail.message = cut(detail.message);
  for (const { kind } of detail.details.values()) if (kind?.$case === 'text') kind.value = cut(kind.value);
  let bytes = ErrorDetail.encode(detail).finish();
  while (bytes.byteLength > MAX_DETAIL_BYTES && detail.details.size > 0) {
    const [largest] = [...detail.details].reduce((a, b) => (sizeOf(b) > sizeOf(a) ? b : a));
    detail.details.delete(largest);
    bytes = ErrorDetail.encode(detail).finish();
  }
  return bytes;
}

const sizeOf = ([name, value]: readonly [string, Value]): number =>
  name.length + Value.encode(value).finish().byteLength;

function cut(text: string): string {
  if (text.length <= MAX_TEXT_LENGTH) return text.toWellFormed();
  const half = MAX_TEXT_LENGTH / 2;
  return `${text.slice(0, half)} … ${text.slice(-half)}`.toWellFormed();
}
