/**
 * Which numbers the telemetry bus gives: every event is counted, and those that took a time are also timed. Labels are
 * only words whose number is bounded: never ids, names of variables or what a client calls itself.
 */

import { checkOptionalPort, reading } from '../kernel/arguments.js';
import type { EventName, RuntimeEvents, TelemetryBus } from '../kernel/telemetry.js';

/** Event → the fields that become labels. */
export const labelsOf = {
  'runtime.started': [],
  'runtime.stopping': [],
  'runtime.stopped': [],
  'gateway.listening': [],
  'gateway.refused': ['method', 'code'],
  'session.started': [],
  'session.stopped': [],
  'session.expired': [],
  'session.crashed': [],
  'variable.registered': ['variableType'],
  'variable.updated': [],
  'variable.configured': [],
  'variable.deleted': [],
  'variable.refused': ['command', 'code'],
  'optimization.started': [],
  'optimization.trial': [],
  'optimization.ended': ['reason'],
  'observer.failed': [],
  'child.started': ['supervisor'],
  'child.exited': ['supervisor', 'reason'],
  'child.restart_scheduled': ['supervisor'],
  'child.restart_failed': ['supervisor'],
  'child.restarted': ['supervisor'],
  'child.gave_up': ['supervisor'],
  'child.stop_timeout': ['supervisor'],
  'child.breaker': ['supervisor', 'state'],
  'worker.started': ['pool'],
  'worker.ready': ['pool'],
  'worker.exited': ['pool', 'reason'],
  'worker.recycled': ['pool', 'why'],
  'worker.frame_dropped': ['pool', 'frame'],
  'worker.log': ['pool'],
  'zygote.started': ['zygote'],
  'zygote.ready': ['zygote'],
  'zygote.unfit': ['zygote'],
  'zygote.bypassed': ['zygote'],
  'zygote.exited': ['zygote', 'reason'],
  'zygote.log': ['zygote'],
  'call.started': ['pool'],
  'call.ended': ['pool', 'code'],
  'run.started': ['agent'],
  'run.ended': ['agent', 'code'],
  'telemetry.listener_failed': ['event'],
} as const satisfies Readonly<Record<EventName, readonly string[]>>;

/** Event → the field with its duration in milliseconds. */
const durations: Partial<Record<EventName, string>> = {
  'variable.updated': 'durationMs',
  'worker.ready': 'startMs',
  'zygote.ready': 'startMs',
  'optimization.trial': 'durationMs',
  'optimization.ended': 'durationMs',
  'call.ended': 'durationMs',
  'run.ended': 'durationMs',
};

export interface Measurement {
  readonly event: EventName;
  /** By label, in the order of {@link labelsOf}. */
  readonly labels: Readonly<Record<string, string>>;
  /** `undefined` for an event that took no time. */
  readonly durationMs: number | undefined;
  /** The event's own fields. */
  readonly fields: object;
}

export const isTimed = (event: EventName): boolean => durations[event] !== undefined;

/** Calls `listener` for every event. @returns a function that ends it. */
export function measure(events: TelemetryBus, listener: (measurement: Measurement) => void): () => void {
  checkOptionalPort('events', events ?? null, ['on']);
  const offs = reading('events', () =>
    eventNames.map((event) => events.on(event, (fields) => listener(measurementOf(event, fields)))),
  );
  return () => {
    for (const off of offs) off();
  };
}

const isEventName = (name: string): name is EventName => Object.hasOwn(labelsOf, name);
export const eventNames: readonly EventName[] = Object.keys(labelsOf).filter(isEventName);

function measurementOf<Name extends EventName>(event: Name, fields: RuntimeEvents[Name]): Measurement {
  const labels: Record<string, string> = {};
  for (const label of labelsOf[event]) labels[label] = wordOf(Reflect.get(fields, label));
  const field = durations[event];
  const tookMs: unknown = field === undefined ? undefined : Reflect.get(fields, field);
  return { event, labels, durationMs: typeof tookMs === 'number' ? tookMs : undefined, fields };
}

/** The word for a field: of a reason its type. */
function wordOf(value: unknown): string {
  if (typeof value === 'object' && value !== null && 'type' in value) return String(value.type);
  return String(value);
}
