import { expect, test } from 'vitest';
import {
  CoilyardError,
  describeThrown,
  describeValue,
  type ErrorCode,
  errorKinds,
  invalidArgument,
  isErrorCode,
  toCoilyardError,
} from '../../../src/kernel/errors.js';

/** The table of the public contract: code → gRPC status, retryable, execution unless the place knows better. */
const contract: Record<ErrorCode, readonly [grpc: string, retryable: string, execution: string]> = {
  session_not_found: ['NOT_FOUND', 'no', 'not_started'],
  variable_not_found: ['NOT_FOUND', 'no', 'not_started'],
  module_not_found: ['NOT_FOUND', 'no', 'not_started'],
  tool_not_found: ['NOT_FOUND', 'no', 'not_started'],
  session_expired: ['NOT_FOUND', 'no', 'not_started'],
  version_not_found: ['NOT_FOUND', 'no', 'not_started'],
  session_exists: ['ALREADY_EXISTS', 'no', 'not_started'],
  variable_exists: ['ALREADY_EXISTS', 'no', 'not_started'],
  unknown_type: ['INVALID_ARGUMENT', 'no', 'not_started'],
  validation_failed: ['INVALID_ARGUMENT', 'no', 'not_started'],
  invalid_argument: ['INVALID_ARGUMENT', 'no', 'not_started'],
  constraint_violation: ['INVALID_ARGUMENT', 'no', 'not_started'],
  circular_dependency: ['INVALID_ARGUMENT', 'no', 'not_started'],
  read_only: ['PERMISSION_DENIED', 'no', 'not_started'],
  permission_denied: ['PERMISSION_DENIED', 'no', 'not_started'],
  unauthenticated: ['UNAUTHENTICATED', 'no', 'not_started'],
  has_dependents: ['FAILED_PRECONDITION', 'no', 'not_started'],
  already_optimizing: ['FAILED_PRECONDITION', 'no', 'not_started'],
  not_optimizing: ['FAILED_PRECONDITION', 'no', 'not_started'],
  optimistic_lock_failure: ['ABORTED', 'yes', 'not_started'],
  rate_limited: ['RESOURCE_EXHAUSTED', 'yes', 'not_started'],
  mailbox_full: ['RESOURCE_EXHAUSTED', 'yes', 'not_started'],
  pool_saturated: ['RESOURCE_EXHAUSTED', 'yes', 'not_started'],
  payload_too_large: ['RESOURCE_EXHAUSTED', 'no', 'not_started'],
  deadline_exceeded: ['DEADLINE_EXCEEDED', 'by_execution', 'unknown'],
  cancelled: ['CANCELLED', 'by_execution', 'unknown'],
  session_crashed: ['UNAVAILABLE', 'by_execution', 'unknown'],
  store_unavailable: ['UNAVAILABLE', 'by_execution', 'unknown'],
  pool_unavailable: ['UNAVAILABLE', 'by_execution', 'not_started'],
  worker_lost: ['UNAVAILABLE', 'by_execution', 'unknown'],
  history_compacted: ['OUT_OF_RANGE', 'yes', 'not_started'],
  python_error: ['UNKNOWN', 'no', 'done'],
  internal: ['INTERNAL', 'no', 'unknown'],
};

test('the table of codes is the one of the contract, no code more and none less', () => {
  const actual = Object.fromEntries(
    Object.entries(errorKinds).map(([code, kind]) => [code, [kind.grpc, kind.retryable, kind.execution]]),
  );
  expect(actual).toEqual(contract);
});

test('every code makes an error that knows its execution and whether a retry can help', () => {
  for (const code of Object.keys(errorKinds).filter(isErrorCode)) {
    const { retryable, execution } = errorKinds[code];
    const error = new CoilyardError(code, 'text');
    expect(error.execution).toBe(execution);
    expect(error.retryable).toBe(retryable === 'by_execution' ? execution === 'not_started' : retryable === 'yes');
  }
});

test('an error that is retryable by execution is so exactly when the work was not started', () => {
  expect(new CoilyardError('session_crashed', '', { execution: 'not_started' }).retryable).toBe(true);
  expect(new CoilyardError('session_crashed', '', { execution: 'unknown' }).retryable).toBe(false);
  expect(new CoilyardError('session_crashed', '', { execution: 'not_started', retryable: false }).retryable).toBe(
    false,
  );
});

test('names of built-in properties are no error codes', () => {
  for (const name of ['__proto__', 'constructor', 'toString', 'hasOwnProperty', ''])
    expect(isErrorCode(name)).toBe(false);
});

test('what was thrown becomes an error of the house, with itself as the cause', () => {
  const own = new CoilyardError('read_only', 'no');
  expect(toCoilyardError(own)).toBe(own);
  const foreign = new TypeError('no such thing');
  expect(toCoilyardError(foreign)).toMatchObject({ code: 'internal', message: 'no such thing', cause: foreign });
  expect(toCoilyardError('text', 'store_unavailable')).toMatchObject({ code: 'store_unavailable', message: 'text' });
  expect(toCoilyardError(undefined)).toMatchObject({ code: 'internal', message: 'undefined' });
});

test('a thrown value that cannot be made text is described all the same', () => {
  const hostile = {
    toString() {
      throw new Error('no');
    },
  };
  expect(describeThrown(hostile)).toBe('an error that has no text');
  expect(describeThrown(Object.create(null))).toBe('an error that has no text');
});

test('the description of a value is short whatever the value is, and making it never throws', () => {
  const { proxy, revoke } = Proxy.revocable({}, {});
  revoke();
  class Named {}
  Object.defineProperty(Named, 'name', { value: 'N'.repeat(10_000) });
  const throwing = Object.create({
    get constructor() {
      throw new Error('no');
    },
  });
  const values = [
    'x'.repeat(1_000_000),
    '\ud800'.repeat(1000),
    10n ** 10_000n,
    new Array(1_000_000),
    new Named(),
    JSON.parse('{"constructor": 5, "__proto__": {"name": 7}}'),
    Object.create(null),
    throwing,
    proxy,
    Symbol('s'),
    () => 1,
    undefined,
    null,
    Number.NaN,
    -0,
  ];
  for (const value of values) expect(describeValue(value).length).toBeLessThan(600);
  expect(describeValue(proxy)).toBe('an object that cannot be read');
});

test('a bad argument names the field, what was expected and what came', () => {
  expect(invalidArgument('ttlMs', 'a number above 0', -1)).toMatchObject({
    code: 'invalid_argument',
    message: 'ttlMs: expected a number above 0, got -1',
    details: { field: 'ttlMs', expected: 'a number above 0', actual: '-1' },
    execution: 'not_started',
    retryable: false,
  });
});
