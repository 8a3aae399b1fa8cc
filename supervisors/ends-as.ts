/** Waiting for the end of a process that was told to stop (S83). */

import type { Clock } from '../src/kernel/clock.js';
import type { ExitReason } from '../src/kernel/exit-reason.js';
import type { Process } from '../src/kernel/process.js';
import { diedBeforeReply, timedOut } from './refusals.js';

/**
 * Resolves once the process has ended with a reason of the wanted type.
 *
 * @throws an error with the reason when it ends otherwise; `deadline_exceeded` when it has not ended in time.
 */
export function endsAs(process: Process, wanted: ExitReason, timeoutMs: number, clock: Clock): Promise<void> {
  return new Promise((resolve, reject) => {
    const off = process.monitor((ended) => {
      timer?.cancel();
      if (ended.type === wanted.type) resolve();
      else reject(diedBeforeReply(process, ended));
    });
    const timer =
      timeoutMs === Infinity
        ? undefined
        : clock.setTimer(timeoutMs, () => {
            off();
            reject(timedOut(`the stop of ${process.id}`, timeoutMs));
          });
  });
}
