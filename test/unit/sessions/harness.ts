/** Sessions with everything around them in the test's hands: time, the store's answers, the lives of the actor. */

import { expect } from 'vitest';
import { systemRandom } from '../../../src/kernel/clock.js';
import type { CoilyardError } from '../../../src/kernel/errors.js';
import { exitReason, isCleanExit } from '../../../src/kernel/exit-reason.js';
import type { SessionId } from '../../../src/kernel/ids.js';
import { IGNORE, type Process } from '../../../src/kernel/process.js';
import { type EventName, type RuntimeEvents, TelemetryBus } from '../../../src/kernel/telemetry.js';
import { TimerWheel } from '../../../src/kernel/timer-wheel.js';
import { defaultSessionLimits, type SessionLimits } from '../../../src/sessions/services.js';
import { type SessionSupervisor, Sessions } from '../../../src/sessions/sessions.js';
import type { SessionStore } from '../../../src/sessions/store.js';
import { memoryStore } from '../../../src/sessions/stores/memory.js';
import type { VariableUpdate } from '../../../src/sessions/update.js';
import { ManualClock, settle } from '../../../src/testing/manual-clock.js';

/** Restarts at once unless told to wait; knows every life that it started. */
export class TestSupervisor implements SessionSupervisor {
  readonly lives: Process[] = [];
  readonly failedStarts: unknown[] = [];
  /** The process that children are linked to. */
  parent: Process | undefined;
  /** While false, a crashed session waits for {@link restart}. */
  restartsAtOnce = true;
  readonly #waiting: (() => Promise<void>)[] = [];

  async startChild(_id: SessionId, start: Parameters<SessionSupervisor['startChild']>[1]): Promise<void> {
    const begin = async (): Promise<void> => {
      const child = await start(this.parent);
      if (child === IGNORE) return;
      this.lives.push(child);
      child.monitor((reason) => {
        if (!isCleanExit(reason)) restart();
      });
    };
    const tryAgain = (): Promise<void> =>
      begin().catch((error: unknown) => {
        this.failedStarts.push(error);
        this.#waiting.push(tryAgain);
      });
    const restart = (): void => {
      if (this.restartsAtOnce) void tryAgain();
      else this.#waiting.push(tryAgain);
    };
    await begin();
  }

  get life(): Process {
    const life = this.lives.at(-1);
    if (life === undefined) throw new Error('nothing was started');
    return life;
  }

  kill(): void {
    this.life.exit(exitReason.killed);
  }

  /** Starts what waits for it, until it has started. */
  async restart(): Promise<void> {
    for (let start = this.#waiting.shift(); start !== undefined; start = this.#waiting.shift()) await start();
    await settle();
  }
}

export interface TestHost {
  readonly sessions: Sessions;
  readonly clock: ManualClock;
  readonly store: SessionStore;
  readonly supervisor: TestSupervisor;
  readonly telemetry: TelemetryBus;
  /** What the timer wheel's callbacks have thrown: nothing, it is to be hoped. */
  readonly wheelFailures: unknown[];
  /** The fields of every event of that name so far, once asked for. */
  heard<Name extends EventName>(name: Name): RuntimeEvents[Name][];
}

export function aHost(options: { store?: SessionStore; limits?: Partial<SessionLimits> } = {}): TestHost {
  const clock = new ManualClock();
  const telemetry = new TelemetryBus();
  const store = options.store ?? memoryStore();
  const supervisor = new TestSupervisor();
  const wheelFailures: unknown[] = [];
  const wheel = new TimerWheel({ clock, onError: (error) => wheelFailures.push(error) });
  const limits = { ...defaultSessionLimits, ...options.limits };
  const sessions = new Sessions({ store, clock, random: systemRandom, wheel, telemetry, limits }, () => supervisor);
  return {
    sessions,
    clock,
    store,
    supervisor,
    telemetry,
    wheelFailures,
    heard: (name) => {
      const events: RuntimeEvents[typeof name][] = [];
      telemetry.on(name, (fields) => events.push(fields));
      return events;
    },
  };
}

/** A host with one session that has the float `x` at 0 and the integer `n` at 0: revision 1. */
export async function aSession(options: Parameters<typeof aHost>[0] & { ttlMs?: number } = {}) {
  const host = aHost(options);
  const session = await host.sessions.start({ id: 'a', ttlMs: options.ttlMs });
  await session.registerMany([
    { name: 'x', type: 'float', initialValue: 0, constraints: { max: 100_000 } },
    { name: 'n', type: 'integer', initialValue: 0 },
  ]);
  return { ...host, session };
}

/** The error of a promise that must reject. */
export const failure = (promise: Promise<unknown>): Promise<CoilyardError> =>
  promise.then(
    (value) => {
      throw new Error(`resolved with ${JSON.stringify(value)}`);
    },
    (error: CoilyardError) => error,
  );

/** The error of a call that must throw. */
export function thrown(call: () => unknown): CoilyardError {
  try {
    call();
  } catch (error) {
    expect(error).toHaveProperty('code');
    return error as CoilyardError;
  }
  throw new Error('nothing was thrown');
}

/** Reads a watch to its end, or until it has given nothing for a turn of the loop. */
export class Reader {
  readonly updates: VariableUpdate[] = [];
  ended = false;
  failed: unknown;
  readonly done: Promise<void>;

  constructor(readonly stream: AsyncIterableIterator<VariableUpdate>) {
    this.done = this.#read().catch((error: unknown) => {
      this.failed = error;
    });
  }

  async #read(): Promise<void> {
    for await (const update of this.stream) this.updates.push(update);
    this.ended = true;
  }

  /** Everything so far as `type name value @revision`. */
  get story(): string[] {
    return this.updates.map(tell);
  }
}

export const tell = ({ type, name, value, revision, skipped, reason }: VariableUpdate): string =>
  [
    type,
    reason ?? name,
    ...(value === undefined ? [] : [String(value)]),
    `@${revision}`,
    ...(skipped > 0 ? [`+${skipped}`] : []),
  ].join(' ');
