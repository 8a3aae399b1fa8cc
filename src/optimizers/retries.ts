/** Requests to a session that are made again while it is being restarted, or has too much to do. */

import { type Clock, sleep } from '../kernel/clock.js';
import { CoilyardError, type ErrorCode } from '../kernel/errors.js';
import type { SessionHandle } from '../sessions/handle.js';
import type { ReplyTo, VariableCommand } from '../variables/commands.js';

/** Ends of a request after which it may be made again. */
const passing: readonly ErrorCode[] = Object.freeze([
  'session_crashed',
  'store_unavailable',
  'mailbox_full',
  'rate_limited',
  'deadline_exceeded',
]);

const FIRST_DELAY_MS = 50;
const LONGEST_DELAY_MS = 2000;
/** How long a session is asked again: longer than one that keeps crashing is left alone. */
const PATIENCE_MS = 60_000;

/**
 * Rejects with what the session says, once it is final or has been said for a minute.
 *
 * @param isAgain which of what it says is worth another request.
 */
export async function patiently<T>(
  request: () => T | Promise<T>,
  clock: Clock,
  isAgain: (error: CoilyardError) => boolean = () => true,
): Promise<T> {
  const untilMs = clock.monotonicMs() + PATIENCE_MS;
  for (let attempt = 1; ; attempt += 1)
    try {
      return await request();
    } catch (error) {
      if (clock.monotonicMs() >= untilMs || !isPassing(error) || !isAgain(error)) throw error;
      await sleep(clock, error.retryAfterMs ?? Math.min(FIRST_DELAY_MS * 2 ** (attempt - 1), LONGEST_DELAY_MS));
    }
}

/** A command is carried out once, however often the session has to be asked: it carries the id of its request. */
export const carryOut = <C extends VariableCommand & { readonly requestId: string }>(
  session: SessionHandle,
  command: C,
  clock: Clock,
): Promise<ReplyTo<C>> => patiently(() => session.execute(command), clock);

/** For requests of others, who can ask again themselves: only what may have been carried out is asked for again. */
export function onceUnknown(): (error: CoilyardError) => boolean {
  let mayBeDone = false;
  return ({ execution }) => {
    mayBeDone ||= execution === 'unknown';
    return mayBeDone;
  };
}

/** Whether the same request may get another answer later. */
export const isPassing = (error: unknown): error is CoilyardError =>
  error instanceof CoilyardError && passing.includes(error.code) && error.details.reason !== 'runtime_stopped';
