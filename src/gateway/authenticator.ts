/** Who is calling. A port: principals with scopes replace the one shared token without a change elsewhere. */

import { createHash, timingSafeEqual } from 'node:crypto';
import { CoilyardError } from '../kernel/errors.js';

export type Principal =
  /** Showed no credentials, and none are asked for. */
  | { readonly type: 'anonymous' }
  /** Holds the gateway's token. */
  | { readonly type: 'client' }
  /** A living worker of this runtime. */
  | { readonly type: 'worker'; readonly workerId: string };

export interface Authenticator {
  /** Whether callers without credentials are let in. */
  readonly open: boolean;
  /**
   * @param authorization the values of the header `authorization`; empty when there is none.
   * @throws CoilyardError `unauthenticated`; the message repeats nothing of what was shown.
   */
  authenticate(authorization: readonly unknown[]): Principal;
}

export interface BearerOptions {
  /** What clients show as `authorization: Bearer <token>`. Absent: nothing is asked of them. */
  readonly token?: string | undefined;
  /** The living worker that was given this token, if any. */
  readonly workerOf?: ((token: string) => string | undefined) | undefined;
}

const ANONYMOUS: Principal = Object.freeze({ type: 'anonymous' });
const CLIENT: Principal = Object.freeze({ type: 'client' });
const BEARER = /^Bearer ([\x21-\x7e]+)$/i;

export function bearerAuthenticator({ token, workerOf }: BearerOptions): Authenticator {
  const wanted = token === undefined ? undefined : digestOf(token);
  return {
    open: wanted === undefined,
    authenticate(authorization) {
      if (authorization.length === 0) {
        if (wanted === undefined) return ANONYMOUS;
        throw refused('a bearer token is required');
      }
      const [header] = authorization;
      const shown = authorization.length === 1 && typeof header === 'string' ? BEARER.exec(header)?.[1] : undefined;
      if (shown === undefined) throw refused('the authorization header has to be "Bearer <token>"');
      // Digests have one length and are compared in constant time.
      if (wanted !== undefined && timingSafeEqual(digestOf(shown), wanted)) return CLIENT;
      const workerId = workerOf?.(shown);
      if (workerId !== undefined) return { type: 'worker', workerId };
      if (wanted === undefined) return ANONYMOUS;
      throw refused('the bearer token is not valid');
    },
  };
}

const digestOf = (token: string): Buffer => createHash('sha256').update(token).digest();

const refused = (message: string): CoilyardError => new CoilyardError('unauthenticated', message);
