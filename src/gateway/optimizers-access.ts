/**
 * The optimizers as the caller of one request may use them. A guest is shown of a run what it may know of: those variables
 * that a rule lets it read or optimize, and no word of others.
 */

import { OptimizationsService, type OptimizationStatus as WireStatus } from '../gen/coilyard/v1/optimizations.js';
import { CoilyardError } from '../kernel/errors.js';
import type { OptimizersPort } from '../optimizers/handle.js';
import type { OptimizationStatus, SessionHandle } from '../sessions/handle.js';
import { encodeRunStatus } from '../wire/optimization-replies.js';
import { decodeRunId } from '../wire/optimizations.js';
import { reporting, requireScope, sessionRefused } from './authorization.js';
import { type Caller, findSession, isGuest } from './caller.js';
import type { GatewayContext } from './context.js';

export class OptimizersAccess {
  readonly session: SessionHandle;
  readonly optimizers: OptimizersPort;
  readonly #isGuest: boolean;

  constructor(session: SessionHandle, optimizers: OptimizersPort, isGuest: boolean) {
    this.session = session;
    this.optimizers = optimizers;
    this.#isGuest = isGuest;
  }

  status(status: OptimizationStatus | undefined): WireStatus {
    return encodeRunStatus(status === undefined || !this.#isGuest ? status : this.#known(status));
  }

  #known(status: OptimizationStatus): OptimizationStatus {
    const names = new Set(status.variables.map(({ name }) => name).filter((name) => this.#isKnown(name)));
    if (names.size === status.variables.length) return status;
    return {
      ...status,
      variables: status.variables.filter(({ name }) => names.has(name)),
      committed: new Map([...status.committed].filter(([name]) => names.has(name))),
      conflicts: status.conflicts.filter((name) => names.has(name)),
      // It may be about any of them.
      error: '',
    };
  }

  #isKnown(name: string): boolean {
    try {
      return this.session.checkAccess(name, 'read') || this.session.checkAccess(name, 'optimize');
    } catch (error) {
      // What a guest is told of a variable that grants it nothing, and of none.
      if (error instanceof CoilyardError && error.code === 'permission_denied') return false;
      throw error;
    }
  }
}

/** @throws CoilyardError `not_optimizing`: a gateway without a runtime behind it runs none. */
export async function reachOptimizers(
  context: GatewayContext,
  sessionId: string,
  caller: Caller,
): Promise<OptimizersAccess> {
  const session = await findSession(context, sessionId, caller);
  const { optimizers } = context;
  if (optimizers === undefined)
    throw new CoilyardError('not_optimizing', 'this gateway has no optimizers', {
      details: { reason: 'no_optimizers' },
    });
  return new OptimizersAccess(session, optimizers, isGuest(sessionId, caller));
}

/** An objective is a tool, called on behalf of the session: whoever may not call it may not have it called either. */
export function requireObjective(context: GatewayContext, sessionId: string, caller: Caller): void {
  const { principal } = caller;
  // Reported with all that is refused to a guest.
  if (isGuest(sessionId, caller)) throw sessionRefused(principal, sessionId);
  const { path } = OptimizationsService.startOptimization;
  reporting(context, path, principal, () => requireScope(principal, 'call'));
}

interface AboutRun {
  readonly sessionId: string;
  readonly optimizationId: string;
}

/** The same for a request about a run: one that there is not is for a guest as one that it may know nothing of. */
export async function reachRun(context: GatewayContext, request: AboutRun, caller: Caller): Promise<OptimizersAccess> {
  const access = await reachOptimizers(context, request.sessionId, caller);
  const id = decodeRunId(request.optimizationId);
  if (isGuest(request.sessionId, caller) && access.session.optimizationRun(id) === undefined)
    throw sessionRefused(caller.principal, request.sessionId);
  return access;
}
