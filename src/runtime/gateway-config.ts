/** What can be set for the gateway, its defaults and their checks. No message here repeats a token or a key. */

import { readFile } from 'node:fs/promises';
import { defaultGatewayLimits } from '../gateway/context.js';
import { DEFAULT_HOST } from '../gateway/listener.js';
import { allScopes, type Scope } from '../gateway/principal.js';
import type { TlsMaterial } from '../gateway/tls.js';
import { CoilyardError, describeThrown, invalidArgument } from '../kernel/errors.js';
import { refuseUnknown } from './refuse-unknown.js';

/** Someone who may call, and what that one may do. */
export interface PrincipalOptions {
  /** What it shows as `authorization: Bearer …`. */
  readonly token: string;
  /** For people: stands in the audit of refusals. Letters, digits and `. _ @ -`. */
  readonly name: string;
  /** Globs over the ids of the sessions that it may use, and on whose behalf it may call. Default: all. */
  readonly sessions?: readonly string[];
  /** Default: all. */
  readonly scopes?: readonly Scope[];
}

/** Each a PEM text or the path of a file with one. */
export interface TlsOptions {
  readonly cert: string;
  readonly key: string;
  /** Asks clients for a certificate that one of these has signed. Default: none is asked for. */
  readonly clientCa?: string;
}

export interface GatewayOptions {
  /** Default `127.0.0.1`. Any other than a loopback address needs a `token`, `principals` or `tls.clientCa`. */
  readonly host?: string;
  /** Default 0: a free one. */
  readonly port?: number;
  /** What a client that may do everything shows as `authorization: Bearer …`. */
  readonly token?: string;
  /** Clients that may do less. With neither these nor `token` nobody is asked for a token. */
  readonly principals?: readonly PrincipalOptions[];
  /** Encrypts connections, and with `clientCa` proves who is connected. Default: neither. */
  readonly tls?: TlsOptions;
  /** The largest message either way. Default 16 MiB. */
  readonly maxMessageBytes?: number;
  /**
   * The largest request or reply of a call that is a frame on one stream, where it travels in pieces, and the largest update
   * of a watch; also of all such requests of one client that are incomplete, together. Default 256 MiB.
   */
  readonly maxCallBytes?: number;
  /** Streams, such as watches, of one principal at the same time. Default 10,000. */
  readonly maxStreams?: number;
  /** Connections at the same time that one principal calls over. Default: as many as there are. */
  readonly maxConnectionsPerPrincipal?: number;
  /** Connections at the same time. Default 10,000. */
  readonly maxConnections?: number;
}

type Optional = 'token' | 'tls' | 'maxConnectionsPerPrincipal';

export type GatewayConfig = Required<Omit<GatewayOptions, Optional>> & Pick<GatewayOptions, Optional>;

const names = [
  'host',
  'port',
  'token',
  'principals',
  'tls',
  'maxMessageBytes',
  'maxCallBytes',
  'maxStreams',
  'maxConnections',
  'maxConnectionsPerPrincipal',
];
const TOKEN = /^[\x21-\x7e]+$/;
const TOKEN_RULE = 'a text of printable ASCII characters without spaces';
const NAME = /^[\w.@-]{1,128}$/;
/** Names of those who need no entry. */
const RESERVED = ['anonymous', 'client', 'health'];

export function gatewayConfig(options: GatewayOptions = {}): GatewayConfig {
  refuseUnknown('gateway', options, names);
  const { host = DEFAULT_HOST, port = 0, token, tls, maxConnectionsPerPrincipal: each } = options;
  if (typeof host !== 'string' || host === '') throw invalidArgument('gateway.host', 'a host name or address', host);
  if (!Number.isInteger(port) || port < 0 || port > 65_535)
    throw invalidArgument('gateway.port', 'a port from 0 to 65535', port);
  if (token !== undefined) checkToken('gateway.token', token);
  const principals = options.principals ?? [];
  checkPrincipals(principals, token);
  if (tls !== undefined) checkTls(tls);
  return {
    host,
    port,
    principals,
    maxMessageBytes: atLeast(1024, 'maxMessageBytes', options.maxMessageBytes ?? defaultGatewayLimits.maxReceiveBytes),
    maxCallBytes: atLeast(1024, 'maxCallBytes', options.maxCallBytes ?? defaultGatewayLimits.maxCarriedBytes),
    maxStreams: atLeast(1, 'maxStreams', options.maxStreams ?? defaultGatewayLimits.maxStreamsPerPrincipal),
    maxConnections: atLeast(1, 'maxConnections', options.maxConnections ?? defaultGatewayLimits.maxConnections),
    ...(token === undefined ? {} : { token }),
    ...(tls === undefined ? {} : { tls }),
    ...(each === undefined ? {} : { maxConnectionsPerPrincipal: atLeast(1, 'maxConnectionsPerPrincipal', each) }),
  };
}

/** The files, read each time the gateway starts: a renewed certificate is taken up by a restart. */
export async function readTls({ cert, key, clientCa }: TlsOptions): Promise<TlsMaterial> {
  return {
    cert: await pemOf('cert', cert),
    key: await pemOf('key', key),
    clientCa: clientCa === undefined ? undefined : await pemOf('clientCa', clientCa),
  };
}

async function pemOf(name: keyof TlsOptions, textOrPath: string): Promise<string> {
  if (isPem(textOrPath)) return textOrPath;
  try {
    return await readFile(textOrPath, 'utf8');
  } catch (error) {
    throw new CoilyardError('invalid_argument', `gateway.tls.${name}: ${describeThrown(error)}`, {
      details: { field: `gateway.tls.${name}` },
      cause: error,
    });
  }
}

const isPem = (text: string): boolean => text.trimStart().startsWith('-----BEGIN ');

function checkPrincipals(principals: unknown, token: string | undefined): void {
  if (!Array.isArray(principals)) throw invalidArgument('gateway.principals', 'a list of principals', principals);
  const seenNames = new Set<unknown>(RESERVED);
  const seenTokens = new Set<unknown>([token]);
  for (const [index, principal] of principals.entries()) {
    const field = `gateway.principals[${index}]`;
    checkPrincipal(field, principal);
    if (seenNames.has(principal.name)) throw invalidArgument(`${field}.name`, 'a name of its own', principal.name);
    if (seenTokens.has(principal.token)) throw invalidArgument(`${field}.token`, 'a token of its own', undefined);
    seenNames.add(principal.name);
    seenTokens.add(principal.token);
  }
}

function checkPrincipal(field: string, principal: PrincipalOptions): void {
  refuseUnknown(field, principal, ['token', 'name', 'sessions', 'scopes']);
  const { token, name, sessions = ['*'], scopes = allScopes } = principal;
  checkToken(`${field}.token`, token);
  if (typeof name !== 'string' || !NAME.test(name))
    throw invalidArgument(`${field}.name`, '1 to 128 letters, digits or . _ @ -', name);
  if (!isListOf(sessions, (glob) => typeof glob === 'string' && glob !== ''))
    throw invalidArgument(`${field}.sessions`, 'a list of globs over ids of sessions', sessions);
  const isScope = (scope: unknown): boolean => allScopes.some((known) => known === scope);
  if (!isListOf(scopes, isScope)) throw invalidArgument(`${field}.scopes`, `a list of ${allScopes.join(', ')}`, scopes);
}

const isListOf = (list: unknown, isOne: (item: unknown) => boolean): boolean =>
  Array.isArray(list) && list.every(isOne);

function checkToken(field: string, token: unknown): void {
  if (typeof token !== 'string' || !TOKEN.test(token)) throw invalidArgument(field, TOKEN_RULE, typeof token);
}

function checkTls(tls: TlsOptions): void {
  refuseUnknown('gateway.tls', tls, ['cert', 'key', 'clientCa']);
  for (const name of ['cert', 'key', 'clientCa'] as const) {
    const text: unknown = tls[name];
    if (name === 'clientCa' && text === undefined) continue;
    if (typeof text !== 'string' || text === '')
      throw invalidArgument(`gateway.tls.${name}`, 'a PEM text or the path of a file', typeof text);
  }
}

function atLeast(least: number, name: string, value: number): number {
  if (!Number.isSafeInteger(value) || value < least)
    throw invalidArgument(`gateway.${name}`, `a whole number of at least ${least}`, value);
  return value;
}
