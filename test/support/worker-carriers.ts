/** The worker's end of each carrier, for tests of what they have in common. */

import { connect } from 'node:net';
import { type ClientDuplexStream, credentials } from '@grpc/grpc-js';
import { ErrorDetail } from '../../src/gen/coilyard/v1/errors.js';
import { AttachRequest, AttachResponse, WorkersClient } from '../../src/gen/coilyard/v1/workers.js';
import { systemClock, systemRandom } from '../../src/kernel/clock.js';
import type { CoilyardError } from '../../src/kernel/errors.js';
import { decodeErrorDetail } from '../../src/wire/error-detail.js';
import { decodeRuntimeFrame } from '../../src/wire/runtime-frame-codec.js';
import { encodeWorkerFrame } from '../../src/wire/worker-frame-codec.js';
import type { RuntimeFrame, WorkerFrame } from '../../src/wire/frames.js';
import type { AttachRegistry } from '../../src/workers/attach-registry.js';
import { deferred } from '../../src/kernel/deferred.js';
import { abstractPath } from '../../src/workers/local-address.js';
import { LocalDoor } from '../../src/workers/local-door.js';
import { reader, startTestGateway } from './gateway-host.js';

/** How a connection ended: as agreed, with what the runtime said of it, or without a word. */
export type Ending = 'ok' | 'broken off' | { readonly code: string; readonly message: string };

export interface DialledWorker {
  say(...frames: WorkerFrame[]): void;
  /** A message that the generated code has encoded, whatever is in it. */
  write(message: AttachRequest): void;
  frame(): Promise<RuntimeFrame>;
  /** Messages that were read so far. */
  messages(): number;
  /** Says that nothing more comes. */
  end(): void;
  vanish(): void;
  readonly ended: Promise<Ending>;
}

export interface CarrierHost {
  dial(): DialledWorker;
  stop(): Promise<unknown>;
}

export const carriers: Readonly<Record<'grpc' | 'local', (registry: AttachRegistry) => Promise<CarrierHost>>> = {
  grpc: async (registry) => {
    const host = await startTestGateway({ workers: registry, limits: { maxSendBytes: 1_000_000 } });
    return { dial: () => dialGateway(host.gateway.address), stop: () => host.stop() };
  },
  local: async (registry) => {
    const options = { registry, clock: systemClock, random: systemRandom, maxMessageBytes: 1_000_000 };
    const door = await LocalDoor.open(options);
    return { dial: () => dialDoor(door.name), stop: () => door.close() };
  },
};

function dialGateway(address: string): DialledWorker {
  const client = new WorkersClient(address, credentials.createInsecure(), { 'grpc.use_local_subchannel_pool': 1 });
  const stream: ClientDuplexStream<AttachRequest, AttachResponse> = client.attach();
  const { next, ended } = reader<AttachResponse>(stream);
  return {
    ...framesOf(next),
    say: (...frames) => stream.write({ frames: frames.map(encodeWorkerFrame) }),
    write: (message) => stream.write(message),
    end: () => stream.end(),
    vanish: () => stream.cancel(),
    ended: ended
      .then((end): Ending => (end === 'ok' ? 'ok' : end.error === undefined ? 'broken off' : plain(end.error)))
      .finally(() => client.close()),
  };
}

export const socketPath = (name: string): string => (name.startsWith('@') ? abstractPath(name.slice(1)) : name);

function dialDoor(name: string): DialledWorker {
  const socket = connect({ path: socketPath(name), allowHalfOpen: true });
  const messages: AttachResponse[] = [];
  const ended = deferred<Ending>();
  let waiting = deferred<void>();
  let received = Buffer.alloc(0);
  socket.on('data', (chunk: Buffer) => {
    received = Buffer.concat([received, chunk]);
    while (received.length >= 4) {
      const head = received.readUInt32BE();
      const end = 4 + (head & 0x7fff_ffff);
      if (received.length < end) return;
      const content = received.subarray(4, end);
      received = received.subarray(end);
      if (head === 0) ended.resolve('ok');
      else if (head >= 0x8000_0000) ended.resolve(plain(decodeErrorDetail(ErrorDetail.decode(content))));
      else messages.push(AttachResponse.decode(content));
      waiting.resolve();
    }
  });
  socket.on('error', () => {}).on('end', () => socket.end());
  socket.on('close', () => ended.resolve('broken off'));
  const write = (message: AttachRequest): void => {
    const content = AttachRequest.encode(message).finish();
    const length = Buffer.alloc(4);
    length.writeUInt32BE(content.byteLength);
    socket.write(Buffer.concat([length, content]));
  };
  const next = async (): Promise<AttachResponse> => {
    for (;;) {
      const message = messages.shift();
      if (message !== undefined) return message;
      waiting = deferred<void>();
      await waiting.promise;
    }
  };
  return {
    ...framesOf(next),
    say: (...frames) => write({ frames: frames.map(encodeWorkerFrame) }),
    write,
    end: () => void socket.end(Buffer.alloc(4)),
    vanish: () => void socket.destroy(),
    ended: ended.promise,
  };
}

function framesOf(next: () => Promise<AttachResponse>): Pick<DialledWorker, 'frame' | 'messages'> {
  const waiting: RuntimeFrame[] = [];
  let messages = 0;
  return {
    messages: () => messages,
    async frame() {
      while (waiting.length === 0) {
        waiting.push(...(await next()).frames.map(decodeRuntimeFrame));
        messages += 1;
      }
      const [frame] = waiting.splice(0, 1);
      if (frame === undefined) throw new Error('a message without frames');
      return frame;
    },
  };
}

const plain = ({ code, message }: CoilyardError): Ending => ({ code, message });
