/** `CoilyardError` to `ErrorDetail` and back. Both directions are total: the report of an error never fails itself. */

import {
  CoilyardError,
  describeValue,
  type ErrorDetails,
  type Execution,
  errorKinds,
  isErrorCode,
} from '../kernel/errors.js';
import { type ErrorDetail, Execution as WireExecution } from '../gen/coilyard/v1/errors.js';
import type { Value } from '../gen/coilyard/v1/value.js';
import { decodeValue, encodeValue } from './value.js';

const toWire = {
  not_started: WireExecution.NOT_STARTED,
  done: WireExecution.DONE,
  unknown: WireExecution.UNKNOWN,
} as const satisfies Record<Execution, WireExecution>;

const fromWire = {
  [WireExecution.UNSPECIFIED]: undefined,
  [WireExecution.NOT_STARTED]: 'not_started',
  [WireExecution.DONE]: 'done',
  [WireExecution.UNKNOWN]: 'unknown',
} as const satisfies Record<WireExecution, Execution | undefined>;

export function encodeErrorDetail(error: CoilyardError): ErrorDetail {
  return {
    code: error.code,
    message: error.message,
    execution: toWire[error.execution],
    retryable: error.retryable,
    retryAfterMs: error.retryAfterMs === undefined ? undefined : BigInt(Math.max(0, Math.ceil(error.retryAfterMs))),
    details: new Map(Object.entries(error.details).map(([name, value]) => [name, encodeParticular(value)])),
  };
}

/** A code that this version does not know becomes `internal` and is kept in `details.code`. */
export function decodeErrorDetail(message: ErrorDetail | undefined): CoilyardError {
  if (message === undefined) return new CoilyardError('internal', 'a failure without any detail');
  const details = decodeParticulars(message.details);
  const code = isErrorCode(message.code) ? message.code : 'internal';
  return new CoilyardError(code, message.message, {
    details: code === message.code ? details : { ...details, code: message.code },
    execution: fromWire[message.execution] ?? errorKinds[code].execution,
    retryable: message.retryable,
    ...(message.retryAfterMs === undefined ? {} : { retryAfterMs: Number(message.retryAfterMs) }),
  });
}

/** What cannot travel as a value travels as a description of it. */
function encodeParticular(value: unknown): Value {
  try {
    return encodeValue(value);
  } catch {
    return encodeValue(describeValue(value));
  }
}

/** Names and values of a stranger: an own property each, whatever the name; what cannot be read is left out. */
function decodeParticulars(particulars: ReadonlyMap<string, Value>): ErrorDetails {
  const readable: [string, unknown][] = [];
  for (const [name, value] of particulars) {
    try {
      readable.push([name, decodeValue(value, `details.${name}`).value]);
    } catch {
      // The rest of the report is worth more than this particular.
    }
  }
  return Object.fromEntries(readable);
}
