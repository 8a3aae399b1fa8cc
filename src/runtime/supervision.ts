/** What supervisors say, as telemetry and as lines for people. */

import type { SupervisorEvent } from '../../supervisors/index.js';
import type { Logger } from '../config.js';
import { describeThrown } from '../kernel/errors.js';
import { describeExit, isCleanExit } from '../kernel/exit-reason.js';
import type { TelemetryBus } from '../kernel/telemetry.js';

/** Tells the bus and the log what happens to the children of the runtime's supervisors. */
export function supervisionReporter(
  telemetry: TelemetryBus,
  logger: Logger | undefined,
): (event: SupervisorEvent) => void {
  return (event) => {
    const child = { supervisor: event.supervisor, childId: String(event.childId ?? '') };
    switch (event.type) {
      case 'child.started':
      case 'child.restarted':
        telemetry.emit(event.type, child);
        break;
      case 'child.exited':
        telemetry.emit('child.exited', { ...child, reason: event.reason });
        if (!isCleanExit(event.reason)) logger?.warn(`${child.childId} ended: ${describeExit(event.reason)}`, child);
        break;
      case 'child.restart_scheduled':
        telemetry.emit('child.restart_scheduled', { ...child, delayMs: event.delayMs, attempt: event.attempt });
        break;
      case 'child.restart_failed':
        telemetry.emit('child.restart_failed', { ...child, error: event.error });
        logger?.warn(`${child.childId} could not be restarted: ${describeThrown(event.error)}`, child);
        break;
      case 'child.gave_up':
        telemetry.emit('child.gave_up', { ...child, reason: event.reason });
        logger?.warn(`${child.supervisor} gave up because of ${child.childId}`, child);
        break;
      case 'child.stop_timeout':
        telemetry.emit('child.stop_timeout', child);
        logger?.warn(`${child.childId} did not stop in time and was killed`, child);
        break;
      case 'child.breaker':
        telemetry.emit('child.breaker', { ...child, state: event.state });
        logger?.warn(`${child.childId}: its breaker is ${event.state}`, child);
        break;
      case 'child.stop_failed':
      case 'supervisor.auto_shutdown':
        break;
    }
  };
}
