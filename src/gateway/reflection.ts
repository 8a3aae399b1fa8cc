/**
 * Server reflection (v1 and v1alpha), so that clients without our proto files can list, describe and call everything.
 * The descriptors were made of the contract and the protos of the standard services, comments included, and are packaged
 * beside the code.
 */

import { existsSync, readFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { BinaryReader } from '@bufbuild/protobuf/wire';
import { type Server, type ServerDuplexStream, status } from '@grpc/grpc-js';
import type { PackageDefinition } from '@grpc/proto-loader';
import { ReflectionService } from '@grpc/reflection';
import { CoilyardError } from '../kernel/errors.js';
import type { GatewayContext } from './context.js';
import { grpcStatusOf } from './grpc-status.js';
import { admitStream, openStream } from './stream-admission.js';

type ReflectionStream = ServerDuplexStream<unknown, unknown>;

/** A `FileDescriptorSet`; made by `npm run generate`. */
const DESCRIPTORS = 'coilyard.binpb';
/** Questions in one stream; a client asks a few for each type it looks up. */
const MAX_QUESTIONS = 10_000;

export function addReflection(server: Server, context: GatewayContext): void {
  new ReflectionService(describedServices()).addToServer({
    addService: (definition, handlers) => {
      const guarded = Object.entries(handlers).map(([name, handle]) => [
        name,
        (stream: ReflectionStream) => guard(stream, context, () => Reflect.apply(handle, handlers, [stream])),
      ]);
      server.addService(definition, Object.fromEntries(guarded));
    },
  });
}

/**
 * The library looks at nothing but the files of an entry, whatever it is otherwise. Given what a proto loader makes of protos it would leave out their
 * comments, and rename entries of maps so that clients with strict descriptors, `grpcurl` among them, refuse the file.
 */
function describedServices(): PackageDefinition {
  const fileDescriptorProtos = filesIn(readFileSync(join(findProtoDirectory(), DESCRIPTORS)));
  return { files: { format: 'Protocol Buffer 3 EnumDescriptorProto', type: {}, fileDescriptorProtos } };
}

/** The encoded files of a `FileDescriptorSet`: its only field, repeated. */
function filesIn(set: Buffer): Buffer[] {
  const files: Buffer[] = [];
  const reader = new BinaryReader(set);
  while (reader.pos < reader.len) {
    reader.tag();
    files.push(Buffer.from(reader.bytes()));
  }
  return files;
}

/** What the library leaves out: credentials, an end when the gateway stops, and a bound for a client that never reads. */
function guard(stream: ReflectionStream, context: GatewayContext, serve: () => void): void {
  openStream(
    context.openStreams,
    stream,
    () => admitStream(context, stream.getPath(), stream).giveBack,
    () => {
      serve();
      boundQuestions(stream);
      return { end: (error) => stream.emit('error', grpcStatusOf(error)) };
    },
  );
}

function boundQuestions(stream: ReflectionStream): void {
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
    if (existsSync(join(candidate, DESCRIPTORS))) return candidate;
    if (dirname(directory) === directory)
      throw new CoilyardError('internal', 'the wire contract (proto/) is missing. Reinstall the package.', {
        details: { searchedFrom: start },
      });
  }
}
