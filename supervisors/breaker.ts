/** The breaker of a child that keeps failing: closed, open for a while, half open for one probe. Pure. */

export interface BreakerOptions {
  /** How long the breaker stays open before one probe start. */
  readonly openMs: number;
  /** Each opening in a row doubles the time, up to this. Default `openMs`: it does not grow. */
  readonly maxOpenMs?: number;
  /** A probe that lives this long closes the breaker. */
  readonly healthyMs: number;
}

export type BreakerState =
  | { readonly type: 'closed' }
  | { readonly type: 'open'; readonly untilMs: number; readonly openings: number }
  | { readonly type: 'half_open'; readonly openings: number };

export const closedBreaker: BreakerState = Object.freeze({ type: 'closed' });

/** @returns the open state, and how long it lasts. `untilMs` is monotonic. */
export function openBreaker(
  options: BreakerOptions,
  before: BreakerState,
  nowMs: number,
): { readonly state: BreakerState; readonly forMs: number; readonly openings: number } {
  const openings = before.type === 'closed' ? 1 : before.openings + 1;
  const forMs = Math.min(options.maxOpenMs ?? options.openMs, options.openMs * 2 ** (openings - 1));
  return { state: { type: 'open', untilMs: nowMs + forMs, openings }, forMs, openings };
}
