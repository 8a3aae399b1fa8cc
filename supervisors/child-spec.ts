/** Child specifications: data with OTP's words, checked before anything starts (S14 to S16). */

import { reading } from '../src/kernel/arguments.js';
import { CoilyardError, describeValue } from '../src/kernel/errors.js';
import type { Ignore, Process } from '../src/kernel/process.js';
import type { BreakerOptions } from './breaker.js';
import type { Backoff, RestartBudget, RestartType } from './restart-policy.js';
import { labelOf } from './refusals.js';

/** Anything but `undefined`; compared as `Map` keys are. */
export type ChildId = NonNullable<unknown>;

/** How long a child may take to end: milliseconds (0 is legal), for ever, or no time at all. */
export type Shutdown = number | 'infinity' | 'brutal_kill';

export type StartResult<P extends Process = Process> = P | Ignore | PromiseLike<P | Ignore>;

/** How a child comes back, beyond OTP. */
export interface RecoveryOptions {
  /** A start function that takes longer fails; what it linked to the supervisor is killed. Default: no limit, as in OTP. */
  readonly startTimeoutMs?: number;
  /** Delays restarts; default the supervisor's, which is none: OTP restarts at once. */
  readonly backoff?: Backoff;
  /** The child's own budget, besides the supervisor's. */
  readonly budget?: RestartBudget;
  /**
   * When the child's budget (default: the size of the supervisor's) is spent, the child stays down for a while instead of
   * ending the supervisor, and then one start probes whether it has healed. Only under `one_for_one`: such a child never
   * spends the supervisor's budget and its siblings are not touched.
   */
  readonly breaker?: BreakerOptions;
}

/** What a child may say beyond how it starts. */
export interface ChildOptions extends RecoveryOptions {
  /** Default `permanent`. */
  readonly restart?: RestartType;
  /** Default 5000 ms for a worker, `infinity` for a supervisor. */
  readonly shutdown?: Shutdown;
  /** Default `worker`. */
  readonly type?: 'worker' | 'supervisor';
}

export interface ChildSpec<P extends Process = Process, Self extends Process = Process> extends ChildOptions {
  /** Unique within the supervisor. */
  readonly id: ChildId;
  /** Starts the child, linked to the supervisor: pass `parent: self` to whatever spawns it. */
  start(self: Self): StartResult<P>;
  /** Whether its own, final end may end the supervisor; see `autoShutdown`. Default false. */
  readonly significant?: boolean;
}

/** A spec with its defaults filled in. */
export interface CheckedSpec {
  readonly id: ChildId | undefined;
  /** The spec as it was given: its `start` is a method of it. */
  readonly source: { start(self: Process): unknown };
  readonly restart: RestartType;
  readonly shutdown: Shutdown;
  readonly type: 'worker' | 'supervisor';
  readonly significant: boolean;
  readonly recovery: RecoveryOptions | undefined;
}

export const childDefaults = Object.freeze({
  restart: 'permanent',
  type: 'worker',
  workerShutdown: 5000,
  supervisorShutdown: 'infinity',
} as const);

/** Which part of a spec is wrong, in OTP's words. */
type SpecFault =
  | 'bad_combination'
  | 'duplicate_child_name'
  | 'invalid_child_spec'
  | 'invalid_child_type'
  | 'invalid_restart_type'
  | 'invalid_shutdown'
  | 'invalid_significant'
  | 'missing_id'
  | 'missing_start'
  | 'invalid_backoff'
  | 'invalid_breaker'
  | 'invalid_budget'
  | 'invalid_start_timeout';

export function specFault(
  reason: SpecFault,
  field: string,
  expected: string,
  got: unknown,
  id?: unknown,
): CoilyardError {
  const whose = id === undefined ? 'a child spec' : `the spec of child ${labelOf(id)}`;
  return new CoilyardError('invalid_argument', `${whose}: ${field}: expected ${expected}, got ${describeValue(got)}`, {
    details: { reason, field, expected, childId: id, value: got },
  });
}

/** What the supervisor allows its children to say. */
export interface SpecRules {
  /** Static supervisors need ids; dynamic ones do not. */
  readonly needsId: boolean;
  readonly autoShutdown: 'never' | 'any_significant' | 'all_significant';
  readonly allowsBreaker: boolean;
}

/** @throws an `invalid_argument` that names the first field that is wrong, in `details.reason` and `details.field`. */
export const checkSpec = (spec: unknown, rules: SpecRules): CheckedSpec =>
  reading('spec', () => checkedSpec(spec, rules));

function checkedSpec(spec: unknown, rules: SpecRules): CheckedSpec {
  if (!isRecord(spec)) throw specFault('invalid_child_spec', 'spec', 'an object', spec);
  const { id, start, restart = childDefaults.restart, type = childDefaults.type, significant = false } = spec;
  const { shutdown = type === 'supervisor' ? childDefaults.supervisorShutdown : childDefaults.workerShutdown } = spec;
  if (rules.needsId && id === undefined) throw specFault('missing_id', 'id', 'a value', id);
  if (start === undefined) throw specFault('missing_start', 'start', 'a function', start, id);
  if (!isStartable(spec)) throw specFault('invalid_child_spec', 'start', 'a function', start, id);
  if (restart !== 'permanent' && restart !== 'transient' && restart !== 'temporary')
    throw specFault('invalid_restart_type', 'restart', 'permanent, transient or temporary', restart, id);
  if (type !== 'worker' && type !== 'supervisor')
    throw specFault('invalid_child_type', 'type', 'worker or supervisor', type, id);
  if (!isShutdown(shutdown))
    throw specFault('invalid_shutdown', 'shutdown', 'milliseconds, infinity or brutal_kill', shutdown, id);
  if (typeof significant !== 'boolean')
    throw specFault('invalid_significant', 'significant', 'true or false', significant, id);
  if (significant && (rules.autoShutdown === 'never' || restart === 'permanent'))
    throw specFault('bad_combination', 'significant', 'false with autoShutdown never or restart permanent', true, id);
  return {
    id: id ?? undefined,
    source: spec,
    restart,
    shutdown,
    type,
    significant,
    recovery: checkRecovery(spec, rules, id),
  };
}

/** The options beyond OTP; a plain spec has none. */
function checkRecovery(
  spec: Readonly<Record<string, unknown>>,
  rules: SpecRules,
  id: unknown,
): RecoveryOptions | undefined {
  const { startTimeoutMs, backoff, budget, breaker } = spec;
  if (startTimeoutMs === undefined && backoff === undefined && budget === undefined && breaker === undefined)
    return undefined;
  if (startTimeoutMs !== undefined && !isDuration(startTimeoutMs))
    throw specFault('invalid_start_timeout', 'startTimeoutMs', 'milliseconds above 0', startTimeoutMs, id);
  if (backoff !== undefined && !isBackoff(backoff))
    throw specFault('invalid_backoff', 'backoff', '{ baseMs, capMs }, 0 < baseMs <= capMs', backoff, id);
  if (budget !== undefined && !isBudget(budget))
    throw specFault('invalid_budget', 'budget', '{ maxRestarts >= 0, withinMs > 0 }', budget, id);
  if (breaker !== undefined && !isBreaker(breaker))
    throw specFault('invalid_breaker', 'breaker', '{ openMs, healthyMs } above 0', breaker, id);
  if (breaker !== undefined && !rules.allowsBreaker)
    throw specFault('bad_combination', 'breaker', 'no breaker in a group strategy', breaker, id);
  return {
    ...(startTimeoutMs === undefined ? {} : { startTimeoutMs }),
    ...(backoff === undefined ? {} : { backoff }),
    ...(budget === undefined ? {} : { budget }),
    ...(breaker === undefined ? {} : { breaker }),
  };
}

/** @throws `duplicate_child_name` when two specs have the same id. */
export function checkSpecs(specs: unknown, rules: SpecRules): CheckedSpec[] {
  if (!Array.isArray(specs)) throw specFault('invalid_child_spec', 'children', 'a list of child specs', specs);
  const ids = new Set<unknown>();
  return specs.map((spec: unknown) => {
    const checked = checkSpec(spec, rules);
    if (ids.has(checked.id))
      throw specFault('duplicate_child_name', 'id', 'an id that no other child has', checked.id, checked.id);
    ids.add(checked.id);
    return checked;
  });
}

export const isRecord = (value: unknown): value is Readonly<Record<string, unknown>> =>
  typeof value === 'object' && value !== null;

const isStartable = (spec: object): spec is CheckedSpec['source'] =>
  'start' in spec && typeof spec.start === 'function';
const isDuration = (value: unknown): value is number => typeof value === 'number' && value > 0;
const isCount = (value: unknown): value is number => Number.isInteger(value) && Number(value) >= 0;

const isShutdown = (value: unknown): value is Shutdown =>
  value === 'infinity' || value === 'brutal_kill' || (typeof value === 'number' && value >= 0);

export const isBudget = (value: unknown): value is RestartBudget =>
  isRecord(value) && isCount(value.maxRestarts) && isDuration(value.withinMs);

export const isBackoff = (value: unknown): value is Backoff =>
  isRecord(value) &&
  isDuration(value.baseMs) &&
  isDuration(value.capMs) &&
  value.baseMs <= value.capMs &&
  (value.healthyMs === undefined || isDuration(value.healthyMs)) &&
  (value.jitter === undefined || value.jitter === 'full' || value.jitter === 'none');

const isBreaker = (value: unknown): value is BreakerOptions =>
  isRecord(value) &&
  isDuration(value.openMs) &&
  isDuration(value.healthyMs) &&
  (value.maxOpenMs === undefined || isDuration(value.maxOpenMs));
