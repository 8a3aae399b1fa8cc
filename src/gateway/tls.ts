/** Encrypted connections, and proof by certificate of who is connected. */

import { createSecureContext } from 'node:tls';
import { ServerCredentials } from '@grpc/grpc-js';
import { CoilyardError, describeThrown } from '../kernel/errors.js';

/** PEM texts. */
export interface TlsMaterial {
  /** The certificate, with those that it depends on. */
  readonly cert: string;
  readonly key: string;
  /** Clients have to show a certificate that one of these has signed. Absent: none is asked for. */
  readonly clientCa?: string | undefined;
}

/** @throws CoilyardError `invalid_argument` when the material is none; it repeats nothing of the key. */
export function serverCredentials(tls: TlsMaterial | undefined): ServerCredentials {
  if (tls === undefined) return ServerCredentials.createInsecure();
  const { cert, key, clientCa } = tls;
  try {
    createSecureContext({ cert, key, ca: clientCa });
  } catch (error) {
    // The library's words are about the form: "no start line", "key values mismatch".
    throw new CoilyardError('invalid_argument', `gateway.tls: cert and key cannot be used: ${describeThrown(error)}`, {
      details: { field: 'gateway.tls' },
    });
  }
  const root = clientCa === undefined ? null : Buffer.from(clientCa);
  const pair = { cert_chain: Buffer.from(cert), private_key: Buffer.from(key) };
  return ServerCredentials.createSsl(root, [pair], root !== null);
}
