/** Commits as telemetry events. Nothing is built for an event that nobody listens to. */

import type { ErrorCode } from '../kernel/errors.js';
import type { SessionId } from '../kernel/ids.js';
import type { TelemetryBus } from '../kernel/telemetry.js';
import type { VariableCommand } from '../variables/commands.js';
import type { VariableEvent } from '../variables/events.js';
import type { Optimization } from '../variables/optimization.js';
import type { Variable } from '../variables/variable.js';
import { subjectOf } from './audit-entries.js';
import { REDACTED, type Redactor } from './redaction.js';

export function reportCommit(
  telemetry: TelemetryBus,
  sessionId: SessionId,
  events: readonly VariableEvent[],
  revision: number,
  durationMs: number,
  isSecret: Redactor = () => false,
): void {
  const shown = (value: unknown, { name, metadata }: Variable): unknown =>
    value !== undefined && isSecret(name, metadata) ? REDACTED : value;
  for (const event of events)
    switch (event.type) {
      case 'variable.registered':
        if (!telemetry.wants('variable.registered')) break;
        telemetry.emit('variable.registered', {
          sessionId,
          variableId: event.variable.id,
          name: event.variable.name,
          variableType: event.variable.type,
          value: shown(event.variable.value, event.variable),
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
          oldValue: shown(event.oldValue, event.variable),
          value: shown(event.variable.value, event.variable),
          version: event.variable.version,
          source: event.variable.source,
          revision,
          durationMs,
        });
        break;
      case 'variable.deleted':
        if (!telemetry.wants('variable.deleted')) break;
        telemetry.emit('variable.deleted', {
          sessionId,
          variableId: event.variableId,
          name: event.name,
          oldValue: isSecret(event.name, event.metadata) ? REDACTED : event.oldValue,
          source: event.source,
          revision,
        });
        break;
      case 'variable.configured':
        if (!telemetry.wants('variable.configured')) break;
        telemetry.emit('variable.configured', {
          sessionId,
          variableId: event.variable.id,
          name: event.variable.name,
          settings: event.settings,
          source: event.source,
          revision,
        });
        break;
      case 'optimization.started':
        if (!telemetry.wants('optimization.started')) break;
        telemetry.emit('optimization.started', {
          ...shownOf(sessionId, event.optimization, revision),
          optimizer: event.optimization.optimizer,
          variables: event.optimization.variables.map(({ name }) => name),
        });
        break;
      case 'optimization.progressed':
        if (!telemetry.wants('optimization.trial')) break;
        telemetry.emit('optimization.trial', {
          ...shownOf(sessionId, event.optimization, revision),
          iteration: event.trial.iteration,
          score: event.trial.score,
          durationMs: event.trial.endedAtMs - event.trial.startedAtMs,
        });
        break;
      case 'optimization.ended':
        if (!telemetry.wants('optimization.ended')) break;
        telemetry.emit('optimization.ended', {
          ...shownOf(sessionId, event.optimization, revision),
          reason: event.optimization.end?.reason ?? '',
          iterations: event.optimization.iteration,
          bestScore: event.optimization.best?.score ?? null,
          durationMs: event.optimization.lastUpdateAtMs - event.optimization.startedAtMs,
        });
        break;
      case 'optimization.applied':
      case 'dependency.added':
      case 'dependency.removed':
      case 'request.completed':
        break;
    }
}

const shownOf = (sessionId: SessionId, { id: optimizationId }: Optimization, revision: number) => ({
  sessionId,
  optimizationId,
  revision,
});

export function reportRefusal(
  telemetry: TelemetryBus,
  sessionId: SessionId,
  command: VariableCommand,
  code: ErrorCode,
): void {
  if (!telemetry.wants('variable.refused')) return;
  const { type, source, principal } = command;
  telemetry.emit('variable.refused', {
    sessionId,
    command: type,
    variable: subjectOf(command),
    code,
    source,
    principal: principal ?? null,
  });
}
