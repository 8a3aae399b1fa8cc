/**
 * The telemetry bus as OpenTelemetry metrics and spans. The meter and the tracer come from the user's own
 * `@opentelemetry/api`; this package depends on none of it and knows only the few methods below.
 */

import { checkObject, checkOptionalPort, clockMethods, reading } from '../kernel/arguments.js';
import { type Clock, systemClock } from '../kernel/clock.js';
import type { TelemetryBus } from '../kernel/telemetry.js';
import { type Measurement, measure } from './metrics.js';

export type Attributes = Readonly<Record<string, string | number | boolean>>;

/** What is used of a `Meter`. */
export interface MeterLike {
  createCounter(
    name: string,
    options?: { description?: string },
  ): { add(value: number, attributes?: Attributes): void };
  createHistogram(
    name: string,
    options?: { description?: string; unit?: string },
  ): { record(value: number, attributes?: Attributes): void };
}

/** What is used of a `Tracer`. */
export interface TracerLike {
  startSpan(name: string, options?: { startTime?: number; attributes?: Attributes }): SpanLike;
}

export interface SpanLike {
  setStatus(status: { code: number; message?: string }): unknown;
  end(endTime?: number): void;
}

export interface OpenTelemetryOptions {
  readonly meter?: MeterLike;
  /** Runs of agents and calls of workers become spans. */
  readonly tracer?: TracerLike;
  readonly clock?: Clock;
}

/** `SpanStatusCode.ERROR`. */
const STATUS_ERROR = 2;

/** Reports every event of the bus from now on. @returns a function that ends it. */
export function openTelemetry(events: TelemetryBus, options: OpenTelemetryOptions): () => void {
  const { meter, tracer, clock } = reading('options', () => checked(options));
  const count = meter === undefined ? undefined : counting(meter);
  return measure(events, (measurement) => {
    count?.(measurement);
    if (tracer !== undefined) trace(tracer, measurement, clock.nowMs());
  });
}

function checked(options: OpenTelemetryOptions) {
  checkObject('options', options);
  const { meter, tracer, clock = systemClock } = options;
  checkOptionalPort('meter', meter, ['createCounter', 'createHistogram']);
  checkOptionalPort('tracer', tracer, ['startSpan']);
  checkOptionalPort('clock', clock, clockMethods);
  return { meter, tracer, clock };
}

function counting(meter: MeterLike): (measurement: Measurement) => void {
  const counters = new Map<string, ReturnType<MeterLike['createCounter']>>();
  const histograms = new Map<string, ReturnType<MeterLike['createHistogram']>>();
  return ({ event, labels, durationMs }) => {
    const name = `coilyard.${event}`;
    let counter = counters.get(name);
    if (counter === undefined) {
      counter = meter.createCounter(name, { description: `Events ${event}.` });
      counters.set(name, counter);
    }
    counter.add(1, labels);
    if (durationMs === undefined || Number.isNaN(durationMs)) return;
    let histogram = histograms.get(name);
    if (histogram === undefined) {
      histogram = meter.createHistogram(`${name}.duration`, { description: `How long ${event} took.`, unit: 'ms' });
      histograms.set(name, histogram);
    }
    histogram.record(durationMs, labels);
  };
}

/** An event that ends something tells how long it took: the span is made when it is over. */
function trace(tracer: TracerLike, { event, labels, durationMs, fields }: Measurement, nowMs: number): void {
  if ((event !== 'run.ended' && event !== 'call.ended') || durationMs === undefined) return;
  const attributes: Record<string, string | number | boolean> = {};
  for (const [field, value] of Object.entries(fields))
    if (typeof value === 'string' || typeof value === 'number' || typeof value === 'boolean')
      attributes[`coilyard.${field}`] = value;
  const span = tracer.startSpan(`coilyard.${event.replace('.ended', '')}`, {
    startTime: nowMs - durationMs,
    attributes,
  });
  if (labels.code !== 'ok') span.setStatus({ code: STATUS_ERROR, message: labels.code ?? '' });
  span.end(nowMs);
}
