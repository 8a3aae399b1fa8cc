/**
 * Methods as they are registered with grpc-js: by path, and on raw bytes. Decoding and encoding happen in our wrappers,
 * where a failure gets its typed detail; the library would answer INTERNAL without one.
 */

import type { handleBidiStreamingCall, handleServerStreamingCall, Server } from '@grpc/grpc-js';
import type { GatewayContext } from './context.js';
import { grpcUnary } from './grpc-unary.js';
import type { Unary } from './unary.js';

type Streaming = handleServerStreamingCall<Buffer, Buffer> | handleBidiStreamingCall<Buffer, Buffer>;

/** A unary method is served over every carrier, a streaming one by itself. */
type Route = Unary | Streaming;

interface Method {
  readonly path: string;
  readonly requestStream: boolean;
  readonly responseStream: boolean;
}

/** A route for each method of a service; a method without one does not compile. */
export type Routes<Service> = { readonly [Name in keyof Service]: Route };

const asItIs = (bytes: Buffer): Buffer => bytes;

export function addRoutes<Service extends Readonly<Record<string, Method>>>(
  server: Server,
  context: GatewayContext,
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
    const route = routes[name];
    if (route === undefined) throw new TypeError(`${path} has no route`);
    server.addService({ [name]: method }, { [name]: isUnary(route) ? grpcUnary(context, route) : route });
  }
}

/** The unary methods among some routes, by path. */
export function unaryMethods(...routes: readonly Readonly<Record<string, Route>>[]): ReadonlyMap<string, Unary> {
  const methods = routes.flatMap((some) => Object.values(some)).filter(isUnary);
  return new Map(methods.map((method) => [method.path, method]));
}

const isUnary = (route: Route): route is Unary => typeof route !== 'function';
