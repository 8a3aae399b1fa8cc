/** The frame of every command: failures become one line, exit codes and signals are passed on. */

import process from 'node:process';
import { Interrupted, SetupFailure } from './failure.mjs';
import { failureFrom } from './remedies.mjs';

/**
 * @typedef {{ readonly code: number | null, readonly signal: NodeJS.Signals | null }} Ending
 * @param {() => Promise<Ending | void>} main
 */
export async function runEntry(main) {
  try {
    const ending = await main();
    if (ending) leave(ending);
  } catch (error) {
    if (error instanceof Interrupted) leave({ code: null, signal: error.signal });
    else {
      reportFailure(error);
      leave({ code: 1, signal: null });
    }
  }
}

/** @param {unknown} error */
export function reportFailure(error) {
  const failure = understand(error);
  if (failure.detail) console.error(failure.detail);
  console.error(`coilyard: ${failure.message}`);
}

/** @param {unknown} error */
function understand(error) {
  if (error instanceof SetupFailure) return error;
  const { code, path, message, stack } = /** @type {NodeJS.ErrnoException} */ (
    error instanceof Error ? error : new Error(String(error))
  );
  if (code !== undefined && /^(ENOSPC|EROFS|EACCES|EPERM)$/.test(code))
    return failureFrom(`writing ${path ?? 'a file'}`, code, path ?? 'none');
  return new SetupFailure('the set-up itself has a fault', `Please report it: ${message}`, { detail: stack });
}

/** @param {Ending} ending */
function leave({ code, signal }) {
  if (signal !== null) process.kill(process.pid, signal);
  process.exitCode = signal === null ? (code ?? 1) : 1;
}
