/**
 * Methods as they are registered with grpc-js: by path, and on raw bytes. Decoding and encoding happen in our wrappers,
 * where a failure gets its typed detail; the library would answer INTERNAL without one.
 */

import type { handleBidiStreamingCall, handleServerStreamingCall, handleUnaryCall, Server } from '@grpc/grpc-js';

type Handler =
  | handleUnaryCall<Buffer, Buffer>
  | handleServerStreamingCall<Buffer, Buffer>
  | handleBidiStreamingCall<Buffer, Buffer>;

interface Method {
  readonly path: string;
  readonly requestStream: boolean;
  readonly responseStream: boolean;
}

/** A handler for each method of a service; a method without one does not compile. */
export type Routes<Service> = { readonly [Name in keyof Service]: Handler };

const asItIs = (bytes: Buffer): Buffer => bytes;

export function addRoutes<Service extends Readonly<Record<string, Method>>>(
  server: Server,
  service: Service,
  routes: Routes<Service>,
): void {
  for (const [name, { path, requestStream, responseStream }] of Object.entries(service)) {
    const method = {
      path,
      requestStream,
      responseStream,
      requestSerialize: asItIs,
      requestDeserialize: asItIs,
      responseSerialize: asItIs,
      responseDeserialize: asItIs,
    };
    const handler = routes[name];
    if (handler === undefined) throw new TypeError(`${path} has no handler`);
    server.addService({ [name]: method }, { [name]: handler });
  }
}
