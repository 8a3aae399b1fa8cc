/** Work that may keep the event loop busy for long, one piece after the other. */

import type { Clock } from '../kernel/clock.js';

/** What others may be kept waiting for by several pieces in a row. */
const LONG_MS = 5;

/** Does it, and lets whoever waits for the event loop have its turn if that took long: a timer, a request of others. */
export async function considerately<T>(clock: Clock, work: () => Promise<T>): Promise<T> {
  const begunAtMs = clock.monotonicMs();
  const result = await work();
  if (clock.monotonicMs() - begunAtMs >= LONG_MS) await new Promise<void>((goOn) => setImmediate(goOn));
  return result;
}
