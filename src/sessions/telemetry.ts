/** Commits as telemetry events. Nothing is built for an event that nobody listens to. */

import type { SessionId } from '../kernel/ids.js';
import type { TelemetryBus } from '../kernel/telemetry.js';
import type { VariableEvent } from '../variables/events.js';

export function reportCommit(
  telemetry: TelemetryBus,
  sessionId: SessionId,
  events: readonly VariableEvent[],
  revision: number,
  durationMs: () => number,
): void {
  for (const event of events)
    switch (event.type) {
      case 'variable.registered':
        if (!telemetry.wants('variable.registered')) break;
        telemetry.emit('variable.registered', {
          sessionId,
          variableId: event.variable.id,
          name: event.variable.name,
          variableType: event.variable.type,
          value: event.variable.value,
          source: event.variable.source,
          revision,
        });
        break;
      case 'variable.updated':
        if (!telemetry.wants('variable.updated')) break;
        telemetry.emit('variable.updated', {
          sessionId,
          variableId: event.variable.id,
          name: event.variable.name,
          oldValue: event.oldValue,
          value: event.variable.value,
          version: event.variable.version,
          source: event.variable.source,
          revision,
          durationMs: durationMs(),
        });
        break;
      case 'variable.deleted':
        if (!telemetry.wants('variable.deleted')) break;
        telemetry.emit('variable.deleted', {
          sessionId,
          variableId: event.variableId,
          name: event.name,
          source: event.source,
          revision,
        });
        break;
      case 'variable.configured':
      case 'dependency.added':
      case 'dependency.removed':
      case 'request.completed':
        break;
    }
}
