import { once } from 'node:events';
import { connect } from 'node:http2';
import { type ClientDuplexStream, credentials, Metadata } from '@grpc/grpc-js';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { bearerAuthenticator } from '../../src/gateway/authenticator.js';
import { AttachRequest, type AttachResponse, WorkersClient } from '../../src/gen/coilyard/v1/workers.js';
import { systemClock, systemRandom } from '../../src/kernel/clock.js';
import { incarnation, workerId } from '../../src/kernel/ids.js';
import { TelemetryBus } from '../../src/kernel/telemetry.js';
import { decodeRuntimeFrame } from '../../src/wire/runtime-frame-codec.js';
import { encodeWorkerFrame } from '../../src/wire/worker-frame-codec.js';
import type { HelloFrame, RuntimeFrame, WorkerFrame } from '../../src/wire/frames.js';
import { AttachRegistry, type Invitation } from '../../src/workers/attach-registry.js';
import type { Attachment } from '../../src/workers/attachment.js';
import { deferred } from '../../src/kernel/deferred.js';
import { reader, startTestGateway, type TestGateway } from '../support/gateway-host.js';

const guest = { pool: 'test', workerId: workerId('test-0'), incarnation: incarnation(1) };

/** What one life of a worker heard, in order. */
interface Life {
  readonly frames: WorkerFrame[];
  readonly attachment: Promise<Attachment>;
  /** Resolves with the cause once the connection has ended. */
  readonly detached: Promise<unknown>;
  readonly invitation: Invitation;
}

let host: TestGateway;
let registry: AttachRegistry;

beforeEach(async () => {
  const telemetry = new TelemetryBus();
  registry = new AttachRegistry({ clock: systemClock, random: systemRandom, telemetry });
  host = await startTestGateway({
    workers: registry,
    authenticator: bearerAuthenticator({ token: 'secret', workerOf: (token) => registry.workerOf(token) }),
    limits: { maxSendBytes: 1_000_000 },
  });
});

afterEach(() => host.stop());

function invite(): Life {
  const frames: WorkerFrame[] = [];
  const attached = deferred<Attachment>();
  const detached = deferred<unknown>();
  const invitation = registry.expect(guest, {
    attached: (hello, attachment) => {
      frames.push(hello);
      attached.resolve(attachment);
    },
    received: (frame) => frames.push(frame),
    detached: (cause) => detached.resolve(cause),
  });
  return { frames, invitation, attachment: attached.promise, detached: detached.promise };
}

function dial(headers: Readonly<Record<string, string>> = {}) {
  const client = new WorkersClient(host.gateway.address, credentials.createInsecure(), {
    'grpc.use_local_subchannel_pool': 1,
  });
  const metadata = new Metadata();
  for (const [name, content] of Object.entries(headers)) metadata.set(name, content);
  const stream: ClientDuplexStream<AttachRequest, AttachResponse> = client.attach(metadata);
  const { next, ended } = reader<AttachResponse>(stream);
  const waiting: RuntimeFrame[] = [];
  let messages = 0;
  return {
    stream,
    ended: ended.finally(() => client.close()),
    messages: () => messages,
    say: (...frames: WorkerFrame[]) => stream.write({ frames: frames.map(encodeWorkerFrame) }),
    async frame(): Promise<RuntimeFrame> {
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

const hello = (token: string): HelloFrame => ({
  type: 'hello',
  token,
  workerId: guest.workerId,
  incarnation: guest.incarnation,
  pid: 1,
  pythonVersion: '3.11',
  sdkVersion: '0.1',
  tools: [],
  modules: [],
  concurrency: 1,
});

test('a worker may send 8 MiB ahead once it is welcomed, and no more than anyone before', async () => {
  const life = invite();
  const session = connect(`http://${host.gateway.address}`);
  const windows: (number | undefined)[] = [];
  session.on('remoteSettings', ({ initialWindowSize }) => windows.push(initialWindowSize));
  const headers = { ':method': 'POST', ':path': '/coilyard.v1.Workers/Attach', 'content-type': 'application/grpc' };
  const stream = session.request({ ...headers, te: 'trailers' }).on('error', () => {});
  await once(session, 'remoteSettings');
  expect(windows).toEqual([65_535]);
  const { token } = life.invitation;
  const message = AttachRequest.encode({ frames: [encodeWorkerFrame(hello(token))] }).finish();
  const prefix = Buffer.alloc(5);
  prefix.writeUInt32BE(message.byteLength, 1);
  stream.write(Buffer.concat([prefix, message]));
  (await life.attachment).send({ type: 'welcome', workerId: guest.workerId, heartbeatIntervalMs: 1000 });
  await once(session, 'remoteSettings');
  expect(windows).toEqual([65_535, 8 * 1024 * 1024]);
  session.destroy();
});

test('when the gateway stops, attached workers are told in order', async () => {
  const life = invite();
  const worker = dial();
  worker.say(hello(life.invitation.token));
  await life.attachment;
  expect(host.gateway.openStreams).toBe(1);
  expect(await host.gateway.stop()).toEqual({ forced: false });
  expect(await worker.ended).toBe('ok');
  expect(await life.detached).toBeUndefined();
});

test('a wrong bearer token is refused before any frame is read, the own one is not', async () => {
  const life = invite();
  const stranger = dial({ authorization: 'Bearer wrong' });
  expect(await stranger.ended).toMatchObject({ grpc: 16, error: { code: 'unauthenticated' } });
  const worker = dial({ authorization: `Bearer ${life.invitation.token}` });
  worker.say(hello(life.invitation.token));
  await life.attachment;
  worker.stream.end();
});

test('a message that is too large ends the stream with its typed error', async () => {
  const life = invite();
  const worker = dial();
  worker.say(hello(life.invitation.token));
  await life.attachment;
  worker.say({ type: 'result', callId: 1, value: 'x'.repeat(20 * 1024 * 1024) });
  expect(await worker.ended).toMatchObject({ grpc: 8, error: { code: 'payload_too_large' } });
  expect(await life.detached).toMatchObject({ code: 'worker_lost' });
});
