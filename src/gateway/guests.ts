/**
 * Guests: principals that name a session which is not theirs and call on behalf of one that is. Rules of the session's
 * variables may grant them something; of all else they are told what anybody is told of a session that is not its own,
 * so that nothing says what there is.
 */

import { CoilyardError, type ErrorCode } from '../kernel/errors.js';
import type { SessionHandle } from '../sessions/handle.js';
import { sessionRefused } from './authorization.js';
import type { GatewayContext } from './context.js';
import type { MethodPath } from './method-scopes.js';
import type { Principal } from './principal.js';

/** The session as its guest may use it. @throws CoilyardError `permission_denied` unless a rule grants it something. */
export async function findForGuest(
  context: GatewayContext,
  principal: Principal,
  sessionId: string,
  callingSession: string,
): Promise<SessionHandle> {
  try {
    const session = (await context.sessions.find(sessionId)).as(callingSession, { onlyByRule: true });
    if (session.hasRights()) return session;
  } catch (error) {
    // Why its rules cannot be looked at would say that there is the session: nothing is granted then.
    if (!(error instanceof CoilyardError)) throw error;
  }
  throw sessionRefused(principal, sessionId);
}

/** What says whether something is there. */
const telling: readonly ErrorCode[] = Object.freeze([
  'permission_denied',
  'variable_not_found',
  'session_not_found',
  'session_expired',
]);

/** What a guest is told instead of an error. */
export const toldToGuest = (error: CoilyardError, principal: Principal, sessionId: string): CoilyardError =>
  telling.includes(error.code) ? sessionRefused(principal, sessionId) : error;

/** The same, reported for the audit when it is a refusal. */
export function refusedToGuest(
  context: GatewayContext,
  method: MethodPath,
  principal: Principal,
  sessionId: string,
  error: unknown,
): unknown {
  if (!(error instanceof CoilyardError)) return error;
  const told = toldToGuest(error, principal, sessionId);
  if (told.code === 'permission_denied')
    context.telemetry.emit('gateway.refused', { method, code: told.code, principal: principal.name });
  return told;
}
