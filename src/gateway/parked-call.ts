/** Calls that wait for something to happen, such as an ask for a trial while there is none. */

import type { CoilyardError } from '../kernel/errors.js';
import type { ExecuteOptions } from '../sessions/handle.js';
import type { GatewayContext } from './context.js';

/** Time that a reply needs to reach its caller, at most a tenth of what there is. */
const WAY_BACK_MS = 500;

/**
 * What waits in the caller's time, less the way of the reply, and no longer than the caller does or the gateway goes on: a
 * stop would otherwise wait for it.
 */
export async function parked<Answer>(
  { parkedCalls }: GatewayContext,
  { signal, timeoutMs }: ExecuteOptions,
  wait: (options: ExecuteOptions) => Promise<Answer>,
): Promise<Answer> {
  const interrupted = new AbortController();
  const interrupt = (): void => interrupted.abort(signal?.reason);
  if (signal?.aborted === true) interrupt();
  signal?.addEventListener('abort', interrupt, { once: true });
  let stopping: CoilyardError | undefined;
  const forget = parkedCalls.add((error) => {
    stopping = error;
    interrupted.abort(error);
  });
  try {
    const inTimeMs = timeoutMs === undefined ? undefined : timeoutMs - Math.min(WAY_BACK_MS, timeoutMs / 10);
    return await wait({ signal: interrupted.signal, timeoutMs: inTimeMs });
  } catch (error) {
    throw stopping ?? error;
  } finally {
    forget();
    signal?.removeEventListener('abort', interrupt);
  }
}
