/**
 * The closed set of error codes and the one error class that leaves the house. For each code: its gRPC status, whether
 * a retry can help, and whether the work was executed.
 */

/** Whether the failed operation had an effect. `not_started` makes a retry safe. */
export type Execution = 'not_started' | 'done' | 'unknown';

/** Names of gRPC statuses, as the gRPC specification spells them. */
export type GrpcStatusName =
  | 'CANCELLED'
  | 'UNKNOWN'
  | 'INVALID_ARGUMENT'
  | 'DEADLINE_EXCEEDED'
  | 'NOT_FOUND'
  | 'ALREADY_EXISTS'
  | 'PERMISSION_DENIED'
  | 'RESOURCE_EXHAUSTED'
  | 'FAILED_PRECONDITION'
  | 'ABORTED'
  | 'OUT_OF_RANGE'
  | 'INTERNAL'
  | 'UNAVAILABLE'
  | 'UNAUTHENTICATED';

export interface ErrorKind {
  readonly grpc: GrpcStatusName;
  /** `by_execution`: retryable exactly when the work was not started. */
  readonly retryable: 'no' | 'yes' | 'by_execution';
  /** What holds unless the place that raises the error knows better. */
  readonly execution: Execution;
}

const refused = (grpc: GrpcStatusName): ErrorKind => ({ grpc, retryable: 'no', execution: 'not_started' });
const later = (grpc: GrpcStatusName): ErrorKind => ({ grpc, retryable: 'yes', execution: 'not_started' });
const lost = (grpc: GrpcStatusName): ErrorKind => ({ grpc, retryable: 'by_execution', execution: 'unknown' });

export const errorKinds = {
  session_not_found: refused('NOT_FOUND'),
  session_expired: refused('NOT_FOUND'),
  session_exists: refused('ALREADY_EXISTS'),
  variable_not_found: refused('NOT_FOUND'),
  variable_exists: refused('ALREADY_EXISTS'),
  version_not_found: refused('NOT_FOUND'),
  module_not_found: refused('NOT_FOUND'),
  tool_not_found: refused('NOT_FOUND'),
  unknown_type: refused('INVALID_ARGUMENT'),
  validation_failed: refused('INVALID_ARGUMENT'),
  invalid_argument: refused('INVALID_ARGUMENT'),
  constraint_violation: refused('INVALID_ARGUMENT'),
  circular_dependency: refused('INVALID_ARGUMENT'),
  read_only: refused('PERMISSION_DENIED'),
  permission_denied: refused('PERMISSION_DENIED'),
  unauthenticated: refused('UNAUTHENTICATED'),
  has_dependents: refused('FAILED_PRECONDITION'),
  already_optimizing: refused('FAILED_PRECONDITION'),
  not_optimizing: refused('FAILED_PRECONDITION'),
  optimistic_lock_failure: later('ABORTED'),
  rate_limited: later('RESOURCE_EXHAUSTED'),
  mailbox_full: later('RESOURCE_EXHAUSTED'),
  pool_saturated: later('RESOURCE_EXHAUSTED'),
  payload_too_large: refused('RESOURCE_EXHAUSTED'),
  deadline_exceeded: lost('DEADLINE_EXCEEDED'),
  cancelled: lost('CANCELLED'),
  session_crashed: lost('UNAVAILABLE'),
  store_unavailable: lost('UNAVAILABLE'),
  pool_unavailable: { grpc: 'UNAVAILABLE', retryable: 'by_execution', execution: 'not_started' },
  worker_lost: lost('UNAVAILABLE'),
  history_compacted: later('OUT_OF_RANGE'),
  python_error: { grpc: 'UNKNOWN', retryable: 'no', execution: 'done' },
  internal: { grpc: 'INTERNAL', retryable: 'no', execution: 'unknown' },
} as const satisfies Record<string, ErrorKind>;

export type ErrorCode = keyof typeof errorKinds;

export const isErrorCode = (text: string): text is ErrorCode => Object.hasOwn(errorKinds, text);

/** Particulars that a program can read: plain data only. */
export type ErrorDetails = Readonly<Record<string, unknown>>;

export interface ErrorOptions {
  readonly details?: ErrorDetails;
  readonly execution?: Execution;
  readonly retryable?: boolean;
  readonly retryAfterMs?: number;
  readonly cause?: unknown;
}

/** Every failure that a caller of Coilyard sees. */
export class CoilyardError extends Error {
  override readonly name = 'CoilyardError';
  readonly code: ErrorCode;
  readonly details: ErrorDetails;
  readonly execution: Execution;
  readonly retryable: boolean;
  /** How long to wait before a retry, in milliseconds; absent when nothing is known. */
  readonly retryAfterMs?: number;

  constructor(code: ErrorCode, message: string, options: ErrorOptions = {}) {
    super(message, options.cause === undefined ? undefined : { cause: options.cause });
    const kind: ErrorKind = errorKinds[code];
    this.code = code;
    this.details = options.details ?? {};
    this.execution = options.execution ?? kind.execution;
    this.retryable =
      options.retryable ??
      (kind.retryable === 'by_execution' ? this.execution === 'not_started' : kind.retryable === 'yes');
    if (options.retryAfterMs !== undefined) this.retryAfterMs = options.retryAfterMs;
  }
}

/** Turns whatever was thrown into a `CoilyardError`; a foreign error becomes `internal` and is kept as `cause`. */
export function toCoilyardError(thrown: unknown, code: ErrorCode = 'internal'): CoilyardError {
  if (thrown instanceof CoilyardError) return thrown;
  return new CoilyardError(code, describeThrown(thrown), { cause: thrown });
}

/** The message of an error, or the text of any other thrown value; never throws. */
export function describeThrown(thrown: unknown): string {
  try {
    return thrown instanceof Error ? thrown.message : String(thrown);
  } catch {
    return 'an error that has no text';
  }
}

/** The error for a bad argument: names the field, what was expected and what came. */
export function invalidArgument(field: string, expected: string, actual: unknown): CoilyardError {
  return new CoilyardError('invalid_argument', `${field}: expected ${expected}, got ${describeValue(actual)}`, {
    details: { field, expected, actual: describeValue(actual) },
  });
}

/** What everything of a runtime answers once it is being stopped. */
export const runtimeStopped = (details: ErrorDetails = {}): CoilyardError =>
  new CoilyardError('store_unavailable', 'the runtime was stopped', {
    execution: 'not_started',
    details: { reason: 'runtime_stopped', ...details },
  });

/** A short text for a value in a message: bounded in length whatever comes; never throws. */
export function describeValue(value: unknown): string {
  try {
    return describe(value);
  } catch {
    // A proxy may refuse to be looked at.
    return 'an object that cannot be read';
  }
}

function describe(value: unknown): string {
  if (typeof value === 'string') return JSON.stringify(value.length > 80 ? `${value.slice(0, 77)}...` : value);
  if (typeof value === 'number' || typeof value === 'boolean' || value === null || value === undefined)
    return String(value);
  if (typeof value === 'bigint') {
    const digits = value > -(10n ** 40n) && value < 10n ** 40n;
    return digits ? `${value}n` : 'a very large integer';
  }
  if (Array.isArray(value)) return `a list of ${value.length}`;
  if (typeof value === 'object') return `an object (${className(value)})`;
  return `a ${typeof value}`;
}

/** Asks the prototype, never the object: data from outside may well have a key `constructor`. */
function className(value: object): string {
  const prototype: { readonly constructor?: { readonly name?: unknown } } | null = Object.getPrototypeOf(value);
  const name = prototype?.constructor?.name;
  return typeof name === 'string' ? name.slice(0, 80) : 'no prototype';
}
