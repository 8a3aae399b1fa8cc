/**
 * What a principal may do here. Every method needs a scope, and both the session that a request names and the one on
 * whose behalf the call is made have to be among the principal's: access rules grant rights to ids of sessions, so an id
 * has to mean more than a name that the client chose.
 */

import type { Metadata } from '@grpc/grpc-js';
import type { CallsService } from '../gen/coilyard/v1/calls.js';
import type { SessionsService } from '../gen/coilyard/v1/sessions.js';
import type { VariablesService } from '../gen/coilyard/v1/variables.js';
import type { WorkersService } from '../gen/coilyard/v1/workers.js';
import { CoilyardError, describeValue } from '../kernel/errors.js';
import type { GatewayContext } from './context.js';
import { mayUse, type Principal, type Scope } from './principal.js';

type PathsOf<Service> = Service[keyof Service] extends { readonly path: infer Path extends string } ? Path : never;

/** Every method of ours. */
export type MethodPath =
  | PathsOf<typeof SessionsService>
  | PathsOf<typeof VariablesService>
  | PathsOf<typeof WorkersService>
  | PathsOf<typeof CallsService>;

/** Total: a method that is not here does not compile. */
export const scopeOf = {
  // Attaching to a living session is reading; whoever starts one needs the scope `sessions`, which its handler asks for.
  '/coilyard.v1.Sessions/CreateSession': 'read',
  '/coilyard.v1.Sessions/GetSession': 'read',
  '/coilyard.v1.Sessions/TouchSession': 'read',
  '/coilyard.v1.Sessions/ListSessions': 'read',
  '/coilyard.v1.Sessions/StopSession': 'sessions',
  '/coilyard.v1.Variables/GetVariable': 'read',
  '/coilyard.v1.Variables/GetVariables': 'read',
  '/coilyard.v1.Variables/ListVariables': 'read',
  '/coilyard.v1.Variables/CheckAccess': 'read',
  '/coilyard.v1.Variables/GetDependencies': 'read',
  '/coilyard.v1.Variables/GetVariableHistory': 'read',
  '/coilyard.v1.Variables/GetVariableStats': 'read',
  '/coilyard.v1.Variables/ExportVariables': 'read',
  '/coilyard.v1.Variables/Watch': 'read',
  '/coilyard.v1.Variables/RegisterVariables': 'write',
  '/coilyard.v1.Variables/SetVariable': 'write',
  '/coilyard.v1.Variables/UpdateVariables': 'write',
  '/coilyard.v1.Variables/DeleteVariable': 'write',
  '/coilyard.v1.Variables/RollbackVariable': 'write',
  '/coilyard.v1.Variables/ConfigureVariable': 'write',
  '/coilyard.v1.Variables/AddDependency': 'write',
  '/coilyard.v1.Variables/RemoveDependency': 'write',
  '/coilyard.v1.Variables/ImportVariables': 'write',
  '/coilyard.v1.Workers/ListTools': 'call',
  '/coilyard.v1.Workers/CallTool': 'call',
  // Let in by the one-time token in the hello, whoever dials.
  '/coilyard.v1.Workers/Attach': 'itself',
  // Each call that it carries is asked for the scope of its own method.
  '/coilyard.v1.Calls/Carry': 'itself',
} as const satisfies Record<MethodPath, Scope | 'itself'>;

/** Proves who calls. Reports a refusal and throws it on. */
export function authenticate(context: GatewayContext, method: string, metadata: Metadata): Principal {
  return reporting(context, method, null, () => context.authenticator.authenticate(metadata.get('authorization')));
}

interface IncomingCall {
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

/** Proves that this principal may use the sessions that a call names. An empty id names none; its handler says so. */
export function authorizeSessions(
  context: GatewayContext,
  method: MethodPath,
  principal: Principal,
  request: unknown,
  callingSession: string | undefined,
): void {
  reporting(context, method, principal, () => {
    requireSession(principal, sessionNamedBy(request));
    if (callingSession !== undefined) requireSession(principal, callingSession);
  });
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

/** Says the same whether or not there is such a session. */
export function requireSession(principal: Principal, sessionId: string): void {
  if (sessionId !== '' && !mayUse(principal, sessionId))
    throw new CoilyardError('permission_denied', `${principal.name} may not use session ${describeValue(sessionId)}`, {
      details: { principal: principal.name, sessionId },
    });
}

/** The one field has this name in every request. */
function sessionNamedBy(request: unknown): string {
  const hasOne = typeof request === 'object' && request !== null && 'sessionId' in request;
  return hasOne && typeof request.sessionId === 'string' ? request.sessionId : '';
}
