/**
 * What a principal may do here. Every method needs a scope. The session on whose behalf a call is made has to be among the
 * principal's: access rules grant rights to ids of sessions, so an id has to mean more than a name that the client chose.
 * The session that a request names has to be among them too, or its rules have to grant something to the calling one.
 */

import type { Metadata } from '@grpc/grpc-js';
import { CoilyardError, describeValue } from '../kernel/errors.js';
import type { GatewayContext } from './context.js';
import { isOpenToGuests, type MethodPath, scopeOf } from './method-scopes.js';
import { mayUse, type Principal, type Scope } from './principal.js';

/** Whether a principal may use a session, or has there only what rules grant the session on whose behalf it calls. */
export type Standing = 'own' | 'guest';

/** Proves who calls. Reports a refusal and throws it on. */
export function authenticate(context: GatewayContext, method: string, metadata: Metadata): Principal {
  return reporting(context, method, null, () => context.authenticator.authenticate(metadata.get('authorization')));
}

/** What is asked of a call of the library, to know whose it is. */
export interface IncomingCall {
  readonly metadata: Metadata;
  getPeer(): string;
}

/** Proves who makes this call, and that it may do so over one more connection. */
export function authenticateCall(context: GatewayContext, method: string, call: IncomingCall): Principal {
  const principal = authenticate(context, method, call.metadata);
  if (context.connections.limits)
    reporting(context, method, principal, () => context.connections.admit(call.getPeer(), principal.name));
  return principal;
}

/** Proves that this principal may call a method at all. */
export function authorizeMethod(context: GatewayContext, method: MethodPath, principal: Principal): void {
  const scope = scopeOf[method];
  if (scope !== 'itself') reporting(context, method, principal, () => requireScope(principal, scope));
}

/**
 * Proves that this principal may call on behalf of that session, and use the one that the request names, if only as a
 * guest: then each variable's rules are still to be asked. An empty id names none; its handler says so.
 */
export function authorizeSessions(
  context: GatewayContext,
  method: MethodPath,
  principal: Principal,
  request: unknown,
  callingSession: string | undefined,
): Standing {
  return reporting(context, method, principal, () => {
    if (callingSession !== undefined) requireSession(principal, callingSession);
    const sessionId = sessionNamedBy(request);
    const standing = standingOf(principal, sessionId, callingSession);
    if (standing === 'guest' && !isOpenToGuests(method)) throw sessionRefused(principal, sessionId);
    return standing;
  });
}

/** @throws CoilyardError `permission_denied` when the principal has none. */
export function standingOf(principal: Principal, sessionId: string, callingSession: string | undefined): Standing {
  if (sessionId === '' || mayUse(principal, sessionId)) return 'own';
  // A worker serves the sessions of its calls and is the guest of none.
  if (callingSession === undefined || principal.type !== 'client') throw sessionRefused(principal, sessionId);
  return 'guest';
}

/** Reports a refusal for the audit and throws it on. */
export function reporting<Value>(
  context: GatewayContext,
  method: string,
  principal: Principal | null,
  prove: () => Value,
): Value {
  try {
    return prove();
  } catch (error) {
    if (error instanceof CoilyardError)
      context.telemetry.emit('gateway.refused', { method, code: error.code, principal: principal?.name ?? null });
    throw error;
  }
}

export function requireScope(principal: Principal, scope: Scope): void {
  if (!principal.scopes.includes(scope))
    throw new CoilyardError('permission_denied', `${principal.name} does not have the scope ${scope}`, {
      details: { principal: principal.name, scope },
    });
}

export function requireSession(principal: Principal, sessionId: string): void {
  if (sessionId !== '' && !mayUse(principal, sessionId)) throw sessionRefused(principal, sessionId);
}

/** Says the same whether or not there is such a session. */
export const sessionRefused = ({ name: principal }: Principal, sessionId: string): CoilyardError =>
  new CoilyardError('permission_denied', `${principal} may not use session ${describeValue(sessionId)}`, {
    details: { principal, sessionId },
  });

/** The one field has this name in every request. */
export function sessionNamedBy(request: unknown): string {
  const hasOne = typeof request === 'object' && request !== null && 'sessionId' in request;
  return hasOne && typeof request.sessionId === 'string' ? request.sessionId : '';
}
