/**
 * The flow-control window of a worker's connection. HTTP/2 begins with 64 KiB, which a local worker fills faster than it is
 * given back: large results then wait more than they move. grpc-js has an option for its clients and none for its servers,
 * so this reaches through it for the connection, and leaves the window alone where it does not find one.
 */

import type { ServerDuplexStream } from '@grpc/grpc-js';

/** Bytes that the worker may send ahead of us. */
const WINDOW_BYTES = 8 * 1024 * 1024;

/** What of a `ServerHttp2Session` is used here. */
interface Connection {
  settings(settings: { readonly initialWindowSize: number }): void;
  setLocalWindowSize(bytes: number): void;
  readonly destroyed: boolean;
}

/** Lets the peer of this stream, and whatever else uses its connection, send that much ahead. */
export function widenWindow(stream: ServerDuplexStream<Buffer, Buffer>): void {
  const connection = connectionOf(stream);
  if (connection === undefined || connection.destroyed) return;
  connection.settings({ initialWindowSize: WINDOW_BYTES });
  connection.setLocalWindowSize(WINDOW_BYTES);
}

/** The stream's call, perhaps within interceptors, has the HTTP/2 stream, which has the session. */
function connectionOf(stream: object): Connection | undefined {
  let call = property(stream, 'call');
  for (let next = property(call, 'nextCall'); next !== undefined; next = property(call, 'nextCall')) call = next;
  const session = property(property(call, 'stream'), 'session');
  return isConnection(session) ? session : undefined;
}

const property = (of: unknown, name: string): unknown =>
  typeof of === 'object' && of !== null ? Reflect.get(of, name) : undefined;

const isConnection = (value: unknown): value is Connection =>
  typeof property(value, 'settings') === 'function' && typeof property(value, 'setLocalWindowSize') === 'function';
