/**
 * Server reflection (v1 and v1alpha), so that clients without our proto files can list, describe and call everything.
 * The descriptors are made from the contract that is packaged beside the code.
 */

import { existsSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { type Server, type ServerDuplexStream, status } from '@grpc/grpc-js';
import { loadSync } from '@grpc/proto-loader';
import { ReflectionService } from '@grpc/reflection';
import { protoPath as healthProto } from 'grpc-health-check';
import { CoilyardError } from '../kernel/errors.js';
import { authenticateCall, reporting } from './authorization.js';
import type { GatewayContext } from './context.js';
import { grpcStatusOf } from './grpc-status.js';

type ReflectionStream = ServerDuplexStream<unknown, unknown>;

const CONTRACT = ['sessions', 'variables', 'workers'].map((name) => `coilyard/v1/${name}.proto`);
/** Questions in one stream; a client asks a few for each type it looks up. */
const MAX_QUESTIONS = 10_000;

export function addReflection(server: Server, context: GatewayContext): void {
  // Names of fields as they are in the contract; the library would turn them into camelCase.
  const contract = loadSync([...CONTRACT, healthProto], { keepCase: true, includeDirs: [findProtoDirectory()] });
  new ReflectionService(contract).addToServer({
    addService: (definition, handlers) => {
      const guarded = Object.entries(handlers).map(([name, handle]) => [
        name,
        (stream: ReflectionStream) => guard(stream, context, () => Reflect.apply(handle, handlers, [stream])),
      ]);
      server.addService(definition, Object.fromEntries(guarded));
    },
  });
}

/** What the library leaves out: credentials, an end when the gateway stops, and a bound for a client that never reads. */
function guard(stream: ReflectionStream, context: GatewayContext, serve: () => void): void {
  let giveBack: () => void;
  try {
    const path = stream.getPath();
    const principal = authenticateCall(context, path, stream);
    giveBack = reporting(context, path, principal, () => context.quota.take(principal.name));
  } catch (error) {
    stream.emit('error', grpcStatusOf(error));
    return;
  }
  const forget = context.openStreams.add((error) => stream.emit('error', grpcStatusOf(error)));
  stream.once('cancelled', () => {
    forget();
    giveBack();
  });
  serve();
  let questions = 0;
  stream.on('data', () => {
    questions += 1;
    if (questions > MAX_QUESTIONS) {
      stream.pause();
      stream.emit('error', { code: status.RESOURCE_EXHAUSTED, details: `at most ${MAX_QUESTIONS} questions` });
    } else if (stream.writableNeedDrain) {
      stream.pause();
      stream.once('drain', () => stream.resume());
    }
  });
}

/** The nearest `proto/` above this file, both from source and from `dist`. */
function findProtoDirectory(): string {
  const start = dirname(fileURLToPath(import.meta.url));
  for (let directory = start; ; directory = dirname(directory)) {
    const candidate = join(directory, 'proto');
    if (existsSync(join(candidate, 'coilyard', 'v1', 'variables.proto'))) return candidate;
    if (dirname(directory) === directory)
      throw new CoilyardError('internal', 'the wire contract (proto/) is missing. Reinstall the package.', {
        details: { searchedFrom: start },
      });
  }
}
