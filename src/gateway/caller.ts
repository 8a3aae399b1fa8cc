/** Which session a call names, and on behalf of which session it is made. */

import type { Metadata } from '@grpc/grpc-js';
import { invalidArgument } from '../kernel/errors.js';
import { isSessionId, SESSION_ID_RULE } from '../kernel/ids.js';
import type { SessionHandle } from '../sessions/handle.js';
import { filledText } from '../wire/fields.js';
import { standingOf } from './authorization.js';
import type { GatewayContext } from './context.js';
import { findForGuest } from './guests.js';
import type { Principal } from './principal.js';

/** The metadata entry that names the calling session; absent: the session that the request names. */
export const CALLING_SESSION = 'coilyard-session';

/** Whom a gRPC call says it is made for. Throws `invalid_argument`. */
export function callingSessionOf(metadata: Metadata): string | undefined {
  const named = metadata.get(CALLING_SESSION);
  if (named.length === 0) return undefined;
  return checkedCaller(named.length === 1 ? named[0] : named);
}

/** Throws `invalid_argument` when it cannot be the id of a session. */
export function checkedCaller(named: unknown): string {
  if (typeof named !== 'string' || !isSessionId(named)) throw invalidArgument(CALLING_SESSION, SESSION_ID_RULE, named);
  return named;
}

/**
 * The session of a request, bound to its caller: access rules are matched with the calling session's id. What the
 * principal may do with either was proven before, except what rules grant a guest.
 */
export async function findSession(
  context: GatewayContext,
  id: string,
  { principal, callingSession }: { readonly principal: Principal; readonly callingSession: string | undefined },
): Promise<SessionHandle> {
  filledText(id, 'session_id');
  if (callingSession !== undefined && standingOf(principal, id, callingSession) === 'guest')
    return findForGuest(context, principal, id, callingSession);
  const session = await context.sessions.find(id);
  return callingSession === undefined || callingSession === session.id ? session : session.as(callingSession);
}
