/**
 * Header fields that are no metadata of gRPC. grpc-js prints such a field, its value included, and goes on as if it were not
 * there; and of two `authorization` Node shows the first. A token would stand in a log, and a call would be made for somebody
 * else than it says. Such a value is replaced by one that means nothing, which is refused where a meaning is asked for.
 *
 * grpc-js has no place for this before it reads the fields, so this reaches through it for its HTTP/2 server, and leaves
 * things as they are where it does not find one. `test/integration/gateway-headers.test.ts` says whether it does.
 */

import type { IncomingHttpHeaders, Http2Server } from 'node:http2';
import type { Server } from '@grpc/grpc-js';

/** What grpc-js takes as metadata. */
const NAME = /^[0-9a-z_.-]+$/;
const VALUE = /^[ -~]*$/;
const WITHOUT_MEANING = '?';

/** For the connections that are given to the server from now on. */
export function guardHeaders(server: Server): void {
  const found: unknown = Reflect.get(server, 'http2Servers');
  if (!(found instanceof Map)) return;
  for (const http2Server of found.keys()) if (isHttp2Server(http2Server)) http2Server.prependListener('stream', guard);
}

const guard = (_stream: unknown, headers: IncomingHttpHeaders, _flags: number, rawHeaders: readonly string[]): void =>
  scrub(headers, rawHeaders);

/** @param rawHeaders names and values in turn, as they came. */
function scrub(headers: IncomingHttpHeaders, rawHeaders: readonly string[]): void {
  let isAuthorized = false;
  for (let index = 0; index + 1 < rawHeaders.length; index += 2) {
    const name = rawHeaders[index] ?? '';
    if (name.startsWith(':')) continue;
    if (!NAME.test(name)) delete headers[name];
    else if (!VALUE.test(rawHeaders[index + 1] ?? '') && !name.endsWith('-bin')) headers[name] = WITHOUT_MEANING;
    if (name !== 'authorization') continue;
    if (isAuthorized) headers[name] = WITHOUT_MEANING;
    isAuthorized = true;
  }
}

const isHttp2Server = (value: unknown): value is Http2Server =>
  typeof value === 'object' && value !== null && typeof Reflect.get(value, 'prependListener') === 'function';
