/** What a process prints: lines as they come, and the last ones of its stderr for the record of its end. */

import type { Readable } from 'node:stream';
import type { Clock } from '../../kernel/clock.js';
import { deferred } from '../../kernel/deferred.js';
import { LastLines, LineSplitter } from './lines.js';

/** How long the output of a dead process is waited for: a grandchild may hold its pipes open for ever. */
const OUTPUT_GRACE_MS = 200;

/** Turns of the loop in which nothing came: what was written lies in a buffer, and each turn reads all that is there. */
const QUIET_TURNS = 3;
/** Whoever writes more than that has not died. */
const MOST_TURNS = 1_000;

export class ProcessOutput {
  readonly #clock: Clock;
  readonly #lastLines: LastLines;
  readonly #stdout: LineSplitter;
  readonly #stderr: LineSplitter;
  readonly #open = new Set<Readable>();
  readonly #ended = deferred<void>();
  #expected: number;
  #arrivals = 0;

  /** @param streams how many streams `read` will be called for. */
  constructor(clock: Clock, streams: number, keptLines: number, onLine: (line: string) => void) {
    this.#clock = clock;
    this.#expected = streams;
    this.#lastLines = new LastLines(keptLines);
    this.#stdout = new LineSplitter(onLine);
    this.#stderr = new LineSplitter((line) => {
      this.#lastLines.push(line);
      onLine(line);
    });
  }

  read(stream: Readable, kind: 'stdout' | 'stderr'): void {
    const lines = kind === 'stdout' ? this.#stdout : this.#stderr;
    this.#expected -= 1;
    this.#arrivals += 1;
    this.#open.add(stream);
    stream.setEncoding('utf8').on('data', (text: string) => {
      this.#arrivals += 1;
      lines.push(text);
    });
    // A pipe breaks when the process dies while it is read; its exit says all there is to say.
    stream.on('error', () => {});
    stream.once('close', () => {
      this.#open.delete(stream);
      if (this.#expected <= 0 && this.#open.size === 0) this.#ended.resolve();
    });
  }

  /** Resolves when every stream has ended. */
  get ended(): Promise<void> {
    return this.#ended.promise;
  }

  /** To be called when the process is dead: resolves to the last lines of its stderr once all is read, and soon. */
  finish(): Promise<readonly string[]> {
    return new Promise((resolve) => {
      let isDone = false;
      const done = (): void => {
        if (isDone) return;
        isDone = true;
        timer.cancel();
        for (const stream of this.#open) stream.destroy();
        this.#stdout.end();
        this.#stderr.end();
        resolve(this.#lastLines.snapshot());
      };
      const timer = this.#clock.setTimer(OUTPUT_GRACE_MS, () => void this.#quiet().then(done));
      this.#ended.promise.then(done);
    });
  }

  /** When this process stood still, the grace is over before anything of what lies ready was read. */
  async #quiet(): Promise<void> {
    for (let turns = 0, quiet = 0; turns < MOST_TURNS && quiet < QUIET_TURNS; turns += 1) {
      const before = this.#arrivals;
      await new Promise((resolve) => setImmediate(resolve));
      quiet = this.#arrivals === before ? quiet + 1 : 0;
    }
  }
}
