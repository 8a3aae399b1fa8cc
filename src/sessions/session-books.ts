/**
 * What a session keeps beside its variables, in this process and over the lives of its actor: the functions of computed
 * variables, the audit trail and the statistics. Each is made when it is first needed.
 */

import type { CoilyardError } from '../kernel/errors.js';
import type { SessionId } from '../kernel/ids.js';
import type { VariableCommand } from '../variables/commands.js';
import type { Computations, Compute } from '../variables/compute.js';
import type { VariableEvent } from '../variables/events.js';
import { AuditTrail } from './audit.js';
import type { AuditEntry } from './audit-entries.js';
import { type Redactor, redactorOf } from './redaction.js';
import type { SessionServices } from './services.js';
import { optimizationMsOf, StatsBook } from './stats.js';
import type { Commit } from './store.js';
import { reportRefusal } from './telemetry.js';

export class SessionBooks {
  readonly #id: SessionId;
  readonly #services: SessionServices;
  readonly isSecret: Redactor;
  #audit: AuditTrail | undefined;
  #stats: StatsBook | undefined;
  #computations: Map<string, Compute> | undefined;

  constructor(id: SessionId, services: SessionServices) {
    this.#id = id;
    this.#services = services;
    this.isSecret = redactorOf(services.audit);
  }

  get stats(): StatsBook {
    this.#stats ??= new StatsBook();
    return this.#stats;
  }

  get computations(): Computations | undefined {
    return this.#computations;
  }

  /** Newest first. */
  auditEntries(limit: number): AuditEntry[] {
    return this.#audit?.entries(limit, this.isSecret) ?? [];
  }

  learn(computations: Computations): void {
    this.#computations ??= new Map();
    for (const [id, compute] of computations) this.#computations.set(id, compute);
  }

  /** @param tookMs NaN when the commit was not timed. */
  committed(commit: Commit, tookMs: number): void {
    const { events } = commit;
    this.#audit ??= new AuditTrail(this.#services.audit?.entries);
    this.#audit.committed(commit);
    // Registrations are not timed: a session that only declares its variables needs no book.
    if (!Number.isNaN(tookMs) && events.some(({ type }) => type === 'variable.updated'))
      this.stats.written(events, tookMs);
    for (const event of events) this.#account(event);
  }

  refused(command: VariableCommand, { code }: CoilyardError): void {
    const { clock, telemetry, audit } = this.#services;
    this.#audit ??= new AuditTrail(audit?.entries);
    this.#audit.refused(command, code, clock.nowMs());
    reportRefusal(telemetry, this.#id, command, code);
  }

  #account(event: VariableEvent): void {
    if (event.type === 'variable.updated') {
      const tookMs = optimizationMsOf(event);
      if (tookMs !== undefined) this.stats.optimized(event.variable.id, tookMs);
    } else if (event.type === 'optimization.ended') {
      const { variables, startedAtMs, lastUpdateAtMs } = event.optimization;
      for (const { id } of variables) this.stats.optimized(id, lastUpdateAtMs - startedAtMs);
    } else if (event.type === 'variable.deleted') {
      this.stats.deleted(event.variableId, event.version);
      this.#computations?.delete(event.variableId);
    }
  }
}
