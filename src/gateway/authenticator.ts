/** Who is calling. A port, so that other ways to prove it can be added. */

import { createHash, timingSafeEqual } from 'node:crypto';
import { CoilyardError } from '../kernel/errors.js';
import type { KnownWorker } from '../workers/attachment.js';
import { ANONYMOUS, clientPrincipal, type Principal, type Scope, workerPrincipal } from './principal.js';

export interface Authenticator {
  /** Whether callers without credentials are let in. */
  readonly open: boolean;
  /**
   * @param authorization the values of the header `authorization`; empty when there is none.
   * @throws CoilyardError `unauthenticated`; the message repeats nothing of what was shown.
   */
  authenticate(authorization: readonly unknown[]): Principal;
}

/** Someone who may call, and what that one shows as `authorization: Bearer <token>`. */
export interface TokenHolder {
  readonly token: string;
  readonly name: string;
  /** Default: all. */
  readonly scopes?: readonly Scope[] | undefined;
  /** Globs over the ids of sessions. Default: all. */
  readonly sessions?: readonly string[] | undefined;
}

export interface BearerOptions {
  /** Lets in without any restriction, as the principal `client`. */
  readonly token?: string | undefined;
  /** With neither these nor `token`, nothing is asked of callers. */
  readonly principals?: readonly TokenHolder[] | undefined;
  readonly workerOf?: WorkerOf | undefined;
}

/** The worker that was given this token, if any; of one whose life is over the grant is closed. */
export type WorkerOf = (token: string) => KnownWorker | undefined;

const BEARER = /^Bearer ([\x21-\x7e]+)$/i;

export function bearerAuthenticator({ token, principals = [], workerOf }: BearerOptions): Authenticator {
  const known = principals.map(({ token: own, name, scopes, sessions }) => ({
    digest: digestOf(own),
    principal: clientPrincipal(name, scopes, sessions),
  }));
  if (token !== undefined) known.push({ digest: digestOf(token), principal: clientPrincipal('client') });
  const open = known.length === 0;

  /** Digests have one length; every one is compared, in constant time, whichever matches. */
  const holderOf = (shown: string): Principal | undefined => {
    const digest = digestOf(shown);
    let found: Principal | undefined;
    for (const holder of known) if (timingSafeEqual(holder.digest, digest)) found = holder.principal;
    return found;
  };

  return {
    open,
    authenticate(authorization) {
      if (authorization.length === 0) {
        if (open) return ANONYMOUS;
        throw refused('a bearer token is required');
      }
      const shown = shownToken(authorization);
      const holder = holderOf(shown);
      if (holder !== undefined) return holder;
      const worker = workerOf?.(shown);
      if (worker !== undefined) return living(worker);
      if (open) return ANONYMOUS;
      throw refused('the bearer token is not valid');
    },
  };
}

/** Lets in the workers of this runtime and nobody else. */
export function workersOnly(workerOf: WorkerOf): Authenticator {
  return {
    open: false,
    authenticate(authorization) {
      const worker = authorization.length === 0 ? undefined : workerOf(shownToken(authorization));
      if (worker === undefined) throw refused('the token of a worker is required');
      return living(worker);
    },
  };
}

/** Also where anybody may call: a worker that is dead is not anybody. */
function living(worker: KnownWorker): Principal {
  if (worker.grant.isClosed) throw refused('the worker of this token has ended');
  return workerPrincipal(worker);
}

function shownToken(authorization: readonly unknown[]): string {
  const [header] = authorization;
  const shown = authorization.length === 1 && typeof header === 'string' ? BEARER.exec(header)?.[1] : undefined;
  if (shown === undefined) throw refused('the authorization header has to be "Bearer <token>"');
  return shown;
}

const digestOf = (token: string): Buffer => createHash('sha256').update(token).digest();

const refused = (message: string): CoilyardError => new CoilyardError('unauthenticated', message);
