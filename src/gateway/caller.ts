/** Who calls, on behalf of which session, and the session that is called. */

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

export interface Caller {
  readonly principal: Principal;
  /** The session on whose behalf the call is made; `undefined`: the one that its request names. */
  readonly callingSession: string | undefined;
}

/** Whether it may do there only what rules grant it. For a call whose sessions were authorized. */
export const isGuest = (sessionId: string, { principal, callingSession }: Caller): boolean =>
  callingSession !== undefined && standingOf(principal, sessionId, callingSession) === 'guest';

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
export async function findSession(context: GatewayContext, id: string, caller: Caller): Promise<SessionHandle> {
  filledText(id, 'session_id');
  const { principal, callingSession } = caller;
  if (callingSession !== undefined && isGuest(id, caller)) return findForGuest(context, principal, id, callingSession);
  const session = await context.sessions.find(id);
  return callingSession === undefined || callingSession === session.id ? session : session.as(callingSession);
}
