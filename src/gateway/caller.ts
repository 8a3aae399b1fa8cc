/** Which session a call names, and on behalf of which session it is made. */

import type { Metadata } from '@grpc/grpc-js';
import { invalidArgument } from '../kernel/errors.js';
import { isSessionId, SESSION_ID_RULE } from '../kernel/ids.js';
import type { SessionHandle } from '../sessions/handle.js';
import { filledText } from '../wire/fields.js';
import { CALLING_SESSION } from './authorization.js';
import type { GatewayContext } from './context.js';

/**
 * The session of a request, bound to its caller: access rules are matched with the calling session's id. That the
 * principal may use both was proven before.
 */
export async function findSession(context: GatewayContext, id: string, metadata: Metadata): Promise<SessionHandle> {
  const session = await context.sessions.find(filledText(id, 'session_id'));
  const named = metadata.get(CALLING_SESSION);
  if (named.length === 0) return session;
  const [caller] = named;
  if (named.length > 1 || typeof caller !== 'string' || !isSessionId(caller))
    throw invalidArgument(CALLING_SESSION, SESSION_ID_RULE, caller);
  return caller === session.id ? session : session.as(caller);
}
