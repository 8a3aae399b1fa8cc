/** Who calls, and what that one may do: kinds of methods (scopes) and sessions (globs over their ids). */

import { matchesAny } from '../wire/session-patterns.js';
import type { KnownWorker, SessionGrant } from '../workers/attachment.js';

/** `read` and `write` are about variables, `sessions` starts and stops sessions, `call` is about tools. */
export type Scope = 'read' | 'write' | 'sessions' | 'call';

export const allScopes: readonly Scope[] = Object.freeze(['read', 'write', 'sessions', 'call']);

export interface Principal {
  readonly type: /** Showed no credentials, and none are asked for. */
    | 'anonymous'
    /** Holds a token of the configuration. */
    | 'client'
    /** A living worker of this runtime. */
    | 'worker';
  /** For people and for limits; says nothing of the token. */
  readonly name: string;
  readonly scopes: readonly Scope[];
  /** Globs over ids: the sessions that it may use, and on whose behalf it may call. */
  readonly sessions: readonly string[];
  /** Sessions besides, that come and go. */
  readonly grant?: SessionGrant;
}

const EVERY_SESSION = Object.freeze(['*']);

export const ANONYMOUS: Principal = Object.freeze({
  type: 'anonymous',
  name: 'anonymous',
  scopes: allScopes,
  sessions: EVERY_SESSION,
});

export const clientPrincipal = (name: string, scopes = allScopes, sessions: readonly string[] = EVERY_SESSION) =>
  Object.freeze({ type: 'client', name, scopes, sessions }) satisfies Principal;

const OF_WORKERS: readonly Scope[] = Object.freeze(['read', 'write', 'call']);
const NONE = Object.freeze([]);

/**
 * A worker may use the sessions of which it was given a call, as long as it lives. It starts and stops none. Asked anew each
 * time: a stream that a worker has opened loses its rights with it.
 */
export const workerPrincipal = ({ workerId, grant }: KnownWorker): Principal => ({
  type: 'worker',
  name: `worker:${workerId}`,
  sessions: NONE,
  grant,
  get scopes() {
    return grant.isClosed ? NONE : OF_WORKERS;
  },
});

export const mayUse = ({ sessions, grant }: Principal, sessionId: string): boolean =>
  grant?.has(sessionId) === true || matchesAny(sessions, sessionId);

/** Whether there is no session that it may not use. */
export const mayUseAll = ({ sessions }: Principal): boolean => sessions.includes('*');
