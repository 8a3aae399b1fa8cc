/** Sessions without a runtime: the room under test, with a supervisor that restarts at once and for ever. */

import { type Clock, systemRandom } from '../../src/kernel/clock.js';
import { isCleanExit } from '../../src/kernel/exit-reason.js';
import { IGNORE } from '../../src/kernel/process.js';
import { TelemetryBus } from '../../src/kernel/telemetry.js';
import { TimerWheel } from '../../src/kernel/timer-wheel.js';
import type { AuditOptions } from '../../src/sessions/audit.js';
import { defaultSessionLimits, type SessionLimits } from '../../src/sessions/services.js';
import { type SessionSupervisor, Sessions } from '../../src/sessions/sessions.js';
import type { SessionStore } from '../../src/sessions/store.js';
import { memoryStore } from '../../src/sessions/stores/memory.js';
import { ManualClock } from '../../src/testing/manual-clock.js';
import type { TypeRegistry } from '../../src/variables/types/registry.js';

export interface SessionHostOptions {
  readonly clock?: Clock;
  readonly store?: SessionStore;
  readonly limits?: Partial<SessionLimits>;
  readonly types?: TypeRegistry;
  readonly audit?: AuditOptions;
}

const restartAtOnce: SessionSupervisor = {
  async startChild(_id, start) {
    const begin = async (): Promise<void> => {
      const child = await start(undefined);
      if (child === IGNORE) return;
      child.monitor((reason) => {
        if (!isCleanExit(reason)) void begin();
      });
    };
    await begin();
  },
};

export function hostSessions(options: SessionHostOptions = {}): {
  readonly sessions: Sessions;
  readonly telemetry: TelemetryBus;
  readonly store: SessionStore;
  readonly wheel: TimerWheel;
} {
  const clock = options.clock ?? new ManualClock();
  const telemetry = new TelemetryBus();
  const store = options.store ?? memoryStore();
  const failures: unknown[] = [];
  const wheel = new TimerWheel({ clock, onError: (error) => failures.push(error) });
  const limits = { ...defaultSessionLimits, ...options.limits };
  const { types, audit } = options;
  const services = { store, clock, random: systemRandom, wheel, telemetry, limits, types, audit };
  return { sessions: new Sessions(services, () => restartAtOnce), telemetry, store, wheel };
}
