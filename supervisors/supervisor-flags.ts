/** What every kind of supervisor takes, checked once at its start (S12, S13). */

import {
  checkOptionalFunction,
  checkOptionalPort,
  clockMethods,
  randomMethods,
  reading,
} from '../src/kernel/arguments.js';
import { type Clock, type Random, systemClock, systemRandom } from '../src/kernel/clock.js';
import { CoilyardError, describeValue } from '../src/kernel/errors.js';
import type { Process, ProcessName } from '../src/kernel/process.js';
import { isBackoff } from './child-spec.js';
import type { SupervisorListener } from './events.js';
import type { Backoff, RestartBudget } from './restart-policy.js';

export interface SupervisorFlags {
  /** Linked; its exit ends the supervisor, whatever the reason (S44). */
  readonly parent?: Process;
  readonly name?: ProcessName;
  /** How trees and events call it. Default: its process id. */
  readonly label?: string;
  /** Restarts allowed within `withinMs`, for all children together; one more ends the supervisor. Default 3. */
  readonly maxRestarts?: number;
  /** Default 5000. */
  readonly withinMs?: number;
  readonly clock?: Clock;
  readonly random?: Random;
  /** Delays the restarts of all children that have no backoff of their own. Default none: OTP restarts at once. */
  readonly backoff?: Backoff;
  /** How many past lives of each child are remembered, with their reasons. Default 0. */
  readonly historySize?: number;
  /**
   * The exit reason of a supervisor that gives up. `plain` (default) is OTP's `shutdown`; `detailed` is `shutdown` whose
   * `detail` says which child and why, still a clean reason; `abnormal` is `custom` with the same text, so that a parent
   * restarts even a transient supervisor (S36, S37).
   */
  readonly escalation?: 'plain' | 'detailed' | 'abnormal';
  /** Hears what happens to the children. What it throws hurts nobody. */
  readonly onEvent?: SupervisorListener;
}

export interface CheckedFlags {
  readonly process: { readonly parent?: Process; readonly name?: ProcessName };
  readonly label: string | undefined;
  readonly budget: RestartBudget;
  readonly clock: Clock;
  readonly random: Random;
  readonly backoff: Backoff | undefined;
  readonly historySize: number;
  readonly escalation: 'plain' | 'detailed' | 'abnormal';
  readonly onEvent: SupervisorListener | undefined;
}

export const supervisorDefaults = Object.freeze({
  maxRestarts: 3,
  withinMs: 5000,
  historySize: 0,
  escalation: 'plain',
});

type FlagFault =
  | 'invalid_auto_shutdown'
  | 'invalid_backoff'
  | 'invalid_escalation'
  | 'invalid_history_size'
  | 'invalid_intensity'
  | 'invalid_max_children'
  | 'invalid_partitions'
  | 'invalid_period'
  | 'invalid_stop_order'
  | 'invalid_strategy'
  | 'invalid_type';

export function flagFault(reason: FlagFault, field: string, expected: string, got: unknown): CoilyardError {
  return new CoilyardError('invalid_argument', `${field}: expected ${expected}, got ${describeValue(got)}`, {
    details: { reason, field, expected, value: got },
  });
}

/** @throws `invalid_argument` with OTP's word for the first flag that is wrong. Unknown flags are ignored. */
export const checkFlags = (flags: SupervisorFlags): CheckedFlags => reading('flags', () => checkedFlags(flags));

function checkedFlags(flags: SupervisorFlags): CheckedFlags {
  if (typeof flags !== 'object' || flags === null || Array.isArray(flags))
    throw flagFault('invalid_type', 'flags', 'an object', flags);
  const { maxRestarts = supervisorDefaults.maxRestarts, withinMs = supervisorDefaults.withinMs } = flags;
  if (!Number.isInteger(maxRestarts) || maxRestarts < 0)
    throw flagFault('invalid_intensity', 'maxRestarts', 'an integer from 0', maxRestarts);
  if (typeof withinMs !== 'number' || !(withinMs > 0) || withinMs === Infinity)
    throw flagFault('invalid_period', 'withinMs', 'milliseconds above 0', withinMs);
  const { historySize = supervisorDefaults.historySize, escalation = 'plain', backoff } = flags;
  if (!Number.isInteger(historySize) || historySize < 0)
    throw flagFault('invalid_history_size', 'historySize', 'an integer from 0', historySize);
  if (escalation !== 'plain' && escalation !== 'detailed' && escalation !== 'abnormal')
    throw flagFault('invalid_escalation', 'escalation', 'plain, detailed or abnormal', escalation);
  if (backoff !== undefined && !isBackoff(backoff))
    throw flagFault('invalid_backoff', 'backoff', '{ baseMs, capMs }, 0 < baseMs <= capMs', backoff);
  const { label, clock, random, onEvent } = flags;
  if (label !== undefined && typeof label !== 'string') throw flagFault('invalid_type', 'label', 'a text', label);
  checkOptionalPort('clock', clock, clockMethods);
  checkOptionalPort('random', random, randomMethods);
  checkOptionalFunction('onEvent', onEvent);
  return {
    process: {
      ...(flags.parent === undefined ? {} : { parent: flags.parent }),
      ...(flags.name === undefined ? {} : { name: flags.name }),
    },
    label,
    budget: { maxRestarts, withinMs },
    clock: clock ?? systemClock,
    random: random ?? systemRandom,
    backoff,
    historySize,
    escalation,
    onEvent,
  };
}
