/** Commands that a study does not take back: carried out once, however often the session has to be asked. */

import { type Clock, sleep } from '../kernel/clock.js';
import { CoilyardError, type ErrorCode } from '../kernel/errors.js';
import type { SessionHandle } from '../sessions/handle.js';
import type { ReplyTo, VariableCommand } from '../variables/commands.js';

/** Ends of a command after which it may be asked for again: it carries the id of its request. */
const passing: readonly ErrorCode[] = Object.freeze([
  'session_crashed',
  'store_unavailable',
  'mailbox_full',
  'rate_limited',
  'deadline_exceeded',
]);

const FIRST_DELAY_MS = 50;
const LONGEST_DELAY_MS = 2000;
/** About half a minute. */
const ATTEMPTS = 20;

/** Rejects with what the session says, once it is final or has been said for half a minute. */
export async function persist<C extends VariableCommand & { readonly requestId: string }>(
  session: SessionHandle,
  command: C,
  clock: Clock,
): Promise<ReplyTo<C>> {
  for (let attempt = 1; ; attempt += 1)
    try {
      return await session.execute(command);
    } catch (error) {
      if (attempt >= ATTEMPTS || !isPassing(error)) throw error;
      await sleep(clock, error.retryAfterMs ?? Math.min(FIRST_DELAY_MS * 2 ** (attempt - 1), LONGEST_DELAY_MS));
    }
}

const isPassing = (error: unknown): error is CoilyardError =>
  error instanceof CoilyardError && passing.includes(error.code) && error.details.reason !== 'runtime_stopped';
