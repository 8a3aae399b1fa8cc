/** What every session of a runtime shares. */

import type { Clock, Random } from '../kernel/clock.js';
import type { TelemetryBus } from '../kernel/telemetry.js';
import type { TimerWheel } from '../kernel/timer-wheel.js';
import { defaultVariableLimits, type VariableLimits } from '../variables/limits.js';
import type { TypeRegistry } from '../variables/types/registry.js';
import type { AuditOptions } from './audit.js';
import type { RateOptions } from './rate-limit.js';
import type { SessionStore } from './store.js';

export interface SessionLimits {
  /** Commands that may wait in one session. Default 10,000. */
  readonly mailbox: number;
  readonly variables: VariableLimits;
  /** Commands of one session per second. Default: as many as it can carry out. */
  readonly rate?: RateOptions | undefined;
  /** Bytes of a document that is imported. Default 16 MiB. */
  readonly maxImportBytes?: number | undefined;
}

export const defaultSessionLimits: SessionLimits = Object.freeze({
  mailbox: 10_000,
  variables: defaultVariableLimits,
});

export interface SessionServices {
  readonly store: SessionStore;
  readonly clock: Clock;
  readonly random: Random;
  /** Deadlines of commands that wait, and expiry of sessions. */
  readonly wheel: TimerWheel;
  readonly telemetry: TelemetryBus;
  readonly limits: SessionLimits;
  /** Default: the types that are built in. */
  readonly types?: TypeRegistry | undefined;
  readonly audit?: AuditOptions | undefined;
}
