/** Why a worker did not start or did not live: the errors, and the exit reason of its process. */

import { CoilyardError } from '../kernel/errors.js';
import { type ExitReason, exitReason } from '../kernel/exit-reason.js';
import type { Guest } from './attach-registry.js';
import type { LaunchedExit } from './launcher.js';

export const tooSlow = (who: Guest, startTimeoutMs: number): CoilyardError =>
  new CoilyardError(
    'pool_unavailable',
    `worker ${who.workerId} was not ready within ${startTimeoutMs} ms. Raise startTimeoutMs if its imports take longer.`,
    { details: { ...who, startTimeoutMs } },
  );

/** Before it ends a worker logs why; a log line begins with the time and the worker's name. */
const OWN_WORDS = /^.* ERROR coilyard\.worker: /;

/** Why it ended in its own words, which may take lines; else the last thing that it printed. */
function lastWords(stderr: readonly string[]): string {
  const lines = stderr.filter((line) => line.trim() !== '');
  const own = lines.findLastIndex((line) => OWN_WORDS.test(line));
  const words = lines.slice(own === -1 ? -1 : own).join(' ');
  return words === '' ? 'it printed nothing' : words.replace(OWN_WORDS, '');
}

/** It ended before its hello. */
export function stillborn(who: Guest, { signal, code, stderr }: LaunchedExit): CoilyardError {
  const how = signal === null ? `exit code ${code}` : `signal ${signal}`;
  return new CoilyardError(
    'pool_unavailable',
    `worker ${who.workerId} ended before it was ready (${how}): ${lastWords(stderr)}`,
    {
      details: { ...who, signal, code, stderr },
    },
  );
}

export const lost = (who: Guest, what: string, cause?: unknown): CoilyardError =>
  new CoilyardError('worker_lost', `worker ${who.workerId} ${what}`, { details: { ...who }, cause });

export const unkillable = (who: Guest, pid: number | undefined, waitedMs: number): CoilyardError =>
  new CoilyardError('internal', `process ${pid} of ${who.workerId} did not end ${waitedMs} ms after SIGKILL`, {
    details: { ...who, pid },
  });

/** A worker that ends by itself without a failure was drained from outside: a normal end. */
export const reasonOf = ({ signal, code }: LaunchedExit): ExitReason =>
  signal === null && code === 0 ? exitReason.normal : exitReason.signal(signal, code);
