/**
 * How much a session and its variables are used. Counting must not cost what it counts: reads are counted on the
 * variable, writes are its version, and only some of either are timed.
 */

import type { VariableEvent } from '../variables/events.js';
import type { StoredCell } from '../variables/history.js';
import { noMetadata } from '../variables/value.js';

export interface VariableStats {
  /** Since the session was loaded; a session counts its present variables. */
  readonly readCount: number;
  /** Updates ever, its version; a session also counts variables that are deleted by now. */
  readonly writeCount: number;
  /** Of the reads that were timed; `null` when none was. */
  readonly averageReadMs: number | null;
  /** From the start of the command to its commit, of the writes that were timed; `null` when none was. */
  readonly averageWriteMs: number | null;
  /** How long runs have held it, and what updates with an `optimizer_id` said that they took (`metadata.duration_ms`). */
  readonly optimizationMs: number;
}

export interface SessionStats extends VariableStats {
  readonly variableCount: number;
}

/** Every so many reads of a variable, the first included, one is timed. */
export const READS_PER_SAMPLE = 1024;
/** Every so many commits, the first included, one is timed. */
export const COMMITS_PER_SAMPLE = 64;

interface Timing {
  reads: number;
  readMs: number;
  writes: number;
  writeMs: number;
  optimizationMs: number;
}

const noTiming = (): Timing => ({ reads: 0, readMs: 0, writes: 0, writeMs: 0, optimizationMs: 0 });

export class StatsBook {
  /** By id, only of variables that were timed. */
  readonly #timings = new Map<string, Timing>();
  readonly #all = noTiming();
  #goneWrites = 0;

  read(id: string, tookMs: number): void {
    for (const timing of [this.#all, this.#timing(id)]) {
      timing.reads += 1;
      timing.readMs += tookMs;
    }
  }

  written(events: readonly VariableEvent[], tookMs: number): void {
    this.#all.writes += 1;
    this.#all.writeMs += tookMs;
    for (const event of events) {
      if (event.type !== 'variable.updated') continue;
      const timing = this.#timing(event.variable.id);
      timing.writes += 1;
      timing.writeMs += tookMs;
    }
  }

  optimized(id: string, tookMs: number): void {
    this.#all.optimizationMs += tookMs;
    this.#timing(id).optimizationMs += tookMs;
  }

  deleted(id: string, writes: number): void {
    this.#goneWrites += writes;
    this.#timings.delete(id);
  }

  ofVariable(cell: StoredCell): VariableStats {
    return statsOf(cell.reads, cell.record.version, this.#timings.get(cell.record.id));
  }

  ofSession(cells: Iterable<StoredCell>): SessionStats {
    let reads = 0;
    let writes = this.#goneWrites;
    let variableCount = 0;
    for (const cell of cells) {
      reads += cell.reads;
      writes += cell.record.version;
      variableCount += 1;
    }
    return { ...statsOf(reads, writes, this.#all), variableCount };
  }

  #timing(id: string): Timing {
    const present = this.#timings.get(id);
    if (present !== undefined) return present;
    const timing = noTiming();
    this.#timings.set(id, timing);
    return timing;
  }
}

/** How long an update says that optimizing took, in milliseconds; `undefined` when no optimizer made it. */
export function optimizationMsOf(event: VariableEvent): number | undefined {
  if (event.type !== 'variable.updated' || event.variable.updateMetadata === noMetadata) return undefined;
  const { optimizer_id: optimizer, duration_ms: tookMs } = event.variable.updateMetadata;
  return typeof optimizer === 'string' && typeof tookMs === 'number' && tookMs > 0 ? tookMs : undefined;
}

const statsOf = (readCount: number, writeCount: number, timing: Timing = noTiming()): VariableStats => ({
  readCount,
  writeCount,
  averageReadMs: timing.reads === 0 ? null : timing.readMs / timing.reads,
  averageWriteMs: timing.writes === 0 ? null : timing.writeMs / timing.writes,
  optimizationMs: timing.optimizationMs,
});
