/** The telemetry bus as text for Prometheus to read. Serve it from whatever HTTP server there is. */

import { checkObject, reading } from '../kernel/arguments.js';
import { invalidArgument } from '../kernel/errors.js';
import type { TelemetryBus } from '../kernel/telemetry.js';
import { isTimed, type Measurement, measure } from './metrics.js';

export interface PrometheusOptions {
  /** Default `coilyard`. */
  readonly prefix?: string;
  /** Upper bounds of the buckets of durations, in seconds, rising. */
  readonly bucketsSeconds?: readonly number[];
}

export interface PrometheusMetrics {
  /** The value of the `content-type` header that belongs to the text. */
  readonly contentType: string;
  /** The present numbers in the text format 0.0.4. */
  text(): string;
  /** Counts no more. */
  close(): void;
}

const BUCKETS: readonly number[] = [0.0001, 0.001, 0.005, 0.01, 0.05, 0.1, 0.5, 1, 5, 10, 60];
/** Label combinations of one metric; what is more is counted together. */
const MAX_SERIES = 1000;

interface Series {
  count: number;
  seconds: number;
  /** Durations up to each bound; absent for what takes no time. */
  readonly buckets: number[] | undefined;
}

/** Counts every event of the bus from now on. Costs a few additions per event, and the building of its fields. */
export function prometheusMetrics(events: TelemetryBus, options: PrometheusOptions = {}): PrometheusMetrics {
  const { prefix, bucketsSeconds } = reading('options', () => checked(options));
  const metrics = new Map<string, Map<string, Series>>();
  const close = measure(events, (measurement) => count(metrics, measurement, bucketsSeconds));
  return {
    contentType: 'text/plain; version=0.0.4; charset=utf-8',
    text: () => {
      const lines: string[] = [];
      for (const [event, series] of [...metrics].sort(([a], [b]) => (a < b ? -1 : 1)))
        lines.push(...textOf(`${prefix}_${event.replaceAll('.', '_')}`, event, series, bucketsSeconds));
      return `${lines.join('\n')}\n`;
    },
    close,
  };
}

function checked(options: PrometheusOptions) {
  checkObject('options', options);
  const { prefix = 'coilyard', bucketsSeconds = BUCKETS } = options;
  if (typeof prefix !== 'string') throw invalidArgument('prefix', 'a text', prefix);
  if (!Array.isArray(bucketsSeconds) || !bucketsSeconds.every((bound) => typeof bound === 'number'))
    throw invalidArgument('bucketsSeconds', 'a list of seconds', bucketsSeconds);
  return { prefix, bucketsSeconds };
}

function count(
  metrics: Map<string, Map<string, Series>>,
  { event, labels, durationMs }: Measurement,
  bounds: readonly number[],
): void {
  let all = metrics.get(event);
  if (all === undefined) {
    all = new Map();
    metrics.set(event, all);
  }
  const wanted = labelText(labels);
  const key = all.has(wanted) || all.size < MAX_SERIES ? wanted : '';
  let series = all.get(key);
  if (series === undefined) {
    series = { count: 0, seconds: 0, buckets: isTimed(event) ? bounds.map(() => 0) : undefined };
    all.set(key, series);
  }
  series.count += 1;
  if (durationMs === undefined || Number.isNaN(durationMs) || series.buckets === undefined) return;
  const seconds = durationMs / 1000;
  series.seconds += seconds;
  for (const [index, bound] of bounds.entries())
    if (seconds <= bound) series.buckets[index] = (series.buckets[index] ?? 0) + 1;
}

function textOf(name: string, event: string, all: ReadonlyMap<string, Series>, bounds: readonly number[]): string[] {
  const lines = [`# HELP ${name}_total Events ${event}.`, `# TYPE ${name}_total counter`];
  for (const [labels, { count: total }] of all) lines.push(`${name}_total${braced(labels)} ${total}`);
  if (![...all.values()].some(({ buckets }) => buckets !== undefined)) return lines;
  lines.push(`# HELP ${name}_seconds How long ${event} took.`, `# TYPE ${name}_seconds histogram`);
  for (const [labels, { count: total, seconds, buckets = [] }] of all) {
    for (const [index, bound] of bounds.entries())
      lines.push(`${name}_seconds_bucket${braced(joined(labels, `le="${bound}"`))} ${buckets[index] ?? 0}`);
    lines.push(`${name}_seconds_bucket${braced(joined(labels, 'le="+Inf"'))} ${total}`);
    lines.push(`${name}_seconds_sum${braced(labels)} ${seconds}`, `${name}_seconds_count${braced(labels)} ${total}`);
  }
  return lines;
}

const labelText = (labels: Readonly<Record<string, string>>): string =>
  Object.entries(labels)
    .map(([label, word]) => `${snakeCase(label)}="${escaped(word)}"`)
    .join(',');

const snakeCase = (name: string): string => name.replace(/[A-Z]/g, (letter) => `_${letter.toLowerCase()}`);
const escaped = (word: string): string => word.replaceAll('\\', '\\\\').replaceAll('"', '\\"').replaceAll('\n', '\\n');
const braced = (labels: string): string => (labels === '' ? '' : `{${labels}}`);
const joined = (labels: string, more: string): string => (labels === '' ? more : `${labels},${more}`);
