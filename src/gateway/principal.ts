/** Who calls, and what that one may do: kinds of methods (scopes) and sessions (globs over their ids). */

import { matchesAny } from '../wire/session-patterns.js';

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

/** A worker serves calls of every session. It starts and stops none. */
export const workerPrincipal = (workerId: string): Principal => ({
  type: 'worker',
  name: `worker:${workerId}`,
  scopes: ['read', 'write', 'call'],
  sessions: EVERY_SESSION,
});

export const mayUse = ({ sessions }: Principal, sessionId: string): boolean => matchesAny(sessions, sessionId);

/** Whether there is no session that it may not use. */
export const mayUseAll = ({ sessions }: Principal): boolean => sessions.includes('*');
