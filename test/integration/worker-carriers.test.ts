/** What every carrier keeps to, so that nothing above them has to know which one a worker came by. */

import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { systemClock, systemRandom } from '../../src/kernel/clock.js';
import { CoilyardError } from '../../src/kernel/errors.js';
import { incarnation, workerId } from '../../src/kernel/ids.js';
import { TelemetryBus } from '../../src/kernel/telemetry.js';
import type { CallFrame, HelloFrame, WorkerFrame } from '../../src/wire/frames.js';
import { AttachRegistry, type Invitation } from '../../src/workers/attach-registry.js';
import type { Attachment } from '../../src/workers/attachment.js';
import { deferred } from '../../src/kernel/deferred.js';
import { type CarrierHost, carriers } from '../support/worker-carriers.js';

const guest = { pool: 'test', workerId: workerId('test-0'), incarnation: incarnation(1) };

/** What one life of a worker heard, in order. */
interface Life {
  readonly frames: WorkerFrame[];
  readonly attachment: Promise<Attachment>;
  /** Resolves with the cause once the connection has ended. */
  readonly detached: Promise<unknown>;
  readonly invitation: Invitation;
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

const call = (callId: number, text = 'hi'): CallFrame => ({
  type: 'call',
  callId,
  sessionId: null,
  target: { type: 'tool', name: 'echo' },
  arguments: new Map([['text', text]]),
  variables: new Map([['temperature', { value: 2, kind: 'float' }]]),
  revision: 0,
  stream: false,
  attempt: 1,
});

describe.each(['grpc', 'local'] as const)('over %s', (carrier) => {
  let registry: AttachRegistry;
  let host: CarrierHost;

  beforeEach(async () => {
    registry = new AttachRegistry({ clock: systemClock, random: systemRandom, telemetry: new TelemetryBus() });
    host = await carriers[carrier](registry);
  });

  afterEach(() => host.stop());

  function invite(): Life {
    const frames: WorkerFrame[] = [];
    const attached = deferred<Attachment>();
    const detached = deferred<unknown>();
    const invitation = registry.expect(guest, {
      attached: (said, attachment) => {
        frames.push(said);
        attached.resolve(attachment);
      },
      received: (frame) => frames.push(frame),
      detached: (cause) => detached.resolve(cause),
    });
    return { frames, invitation, attachment: attached.promise, detached: detached.promise };
  }

  async function attach() {
    const life = invite();
    const worker = host.dial();
    worker.say(hello(life.invitation.token));
    return { life, worker, attachment: await life.attachment };
  }

  test('frames go both ways, in order and exact', async () => {
    const { life, worker, attachment } = await attach();
    expect(attachment.send({ type: 'welcome', workerId: guest.workerId, heartbeatIntervalMs: 1000 })).toBe(true);
    attachment.send(call(1));
    expect(await worker.frame()).toMatchObject({ type: 'welcome', heartbeatIntervalMs: 1000 });
    expect(await worker.frame()).toEqual({
      ...call(1),
      variables: new Map([['temperature', { kind: 'float', value: 2 }]]),
    });
    worker.say({ type: 'result', callId: 1, value: { big: 2n ** 70n } }, { type: 'draining' });
    worker.end();
    expect(await life.detached).toBeUndefined();
    expect(life.frames.slice(1)).toEqual([
      { type: 'result', callId: 1, value: { big: 2n ** 70n } },
      { type: 'draining' },
    ]);
    expect(await worker.ended).toBe('ok');
  });

  test('frames that wait are packed into few messages', async () => {
    const { worker, attachment } = await attach();
    for (let n = 1; n <= 1000; n += 1) attachment.send(call(n));
    for (let n = 1; n <= 1000; n += 1) expect(await worker.frame()).toMatchObject({ callId: n });
    expect(worker.messages()).toBeLessThan(20);
    worker.end();
  });

  test('a worker that reads slowly is not sent more than it takes, and misses nothing', async () => {
    const { worker, attachment } = await attach();
    attachment.send({ type: 'welcome', workerId: guest.workerId, heartbeatIntervalMs: 1000, maxFrameBytes: 1e8 });
    await worker.frame();
    const pieces = Array.from({ length: 60 }, (_, n) => 'x'.repeat(200_000) + n);
    for (const [n, text] of pieces.entries()) attachment.send(call(n + 1, text));
    for (const [n, text] of pieces.entries())
      expect(await worker.frame()).toMatchObject({ callId: n + 1, arguments: new Map([['text', text]]) });
    worker.end();
  });

  test('closing in order sends what waits first', async () => {
    const { life, worker, attachment } = await attach();
    attachment.send(call(7));
    attachment.send({ type: 'drain' });
    attachment.close();
    expect(attachment.send(call(8))).toBe(false);
    expect([await worker.frame(), await worker.frame()]).toMatchObject([{ callId: 7 }, { type: 'drain' }]);
    expect(await worker.ended).toBe('ok');
    expect(await life.detached).toBeUndefined();
  });

  test('a worker that has said its last word still gets what was on its way to it', async () => {
    const { life, worker, attachment } = await attach();
    worker.say({ type: 'draining' });
    worker.end();
    attachment.send(call(1));
    expect(await worker.frame()).toMatchObject({ callId: 1 });
    expect(await worker.ended).toBe('ok');
    expect(await life.detached).toBeUndefined();
    expect(life.frames.at(-1)).toEqual({ type: 'draining' });
  });

  test('a frame that cannot travel is refused alone, and the connection goes on', async () => {
    const { worker, attachment } = await attach();
    expect(() => attachment.send({ ...call(1), arguments: new Map([['f', () => 1]]) })).toThrow(
      expect.objectContaining({ code: 'invalid_argument' }),
    );
    expect(() => attachment.send(call(2, 'x'.repeat(1_000_000)))).toThrow(
      expect.objectContaining({ code: 'payload_too_large' }),
    );
    attachment.send(call(3));
    expect(await worker.frame()).toMatchObject({ callId: 3 });
    worker.end();
  });

  test('a wrong token ends the connection, and can be used for nothing', async () => {
    const life = invite();
    const worker = host.dial();
    worker.say(hello('wrong'));
    expect(await worker.ended).toMatchObject({ code: 'unauthenticated' });
    expect(life.frames).toEqual([]);
  });

  test('a first frame that is not hello ends the connection', async () => {
    const worker = host.dial();
    worker.say({ type: 'draining' });
    expect(await worker.ended).toMatchObject({ code: 'unauthenticated' });
  });

  test('a frame that is none ends the connection, and its life hears why', async () => {
    const { life, worker } = await attach();
    worker.write({ frames: [{ frame: undefined }] });
    expect(await worker.ended).toMatchObject({ code: 'invalid_argument' });
    expect(await life.detached).toMatchObject({ code: 'invalid_argument' });
  });

  test('a worker that vanishes is worker_lost for its life', async () => {
    const { life, worker, attachment } = await attach();
    worker.vanish();
    expect(await life.detached).toMatchObject({ code: 'worker_lost' });
    expect(attachment.send(call(1))).toBe(false);
    await worker.ended;
  });

  test('revoking an invitation ends the connection with its error', async () => {
    const { life, worker } = await attach();
    life.invitation.revoke(new CoilyardError('worker_lost', 'no heartbeat'));
    expect(await worker.ended).toEqual({ code: 'worker_lost', message: 'no heartbeat' });
  });

  test('a registry that is closed refuses at once', async () => {
    registry.close();
    expect(await host.dial().ended).toMatchObject({ code: 'pool_unavailable' });
  });

  test('a token lets one worker in, whichever way it comes', async () => {
    const { life, worker } = await attach();
    const second = host.dial();
    second.say(hello(life.invitation.token));
    expect(await second.ended).toMatchObject({ code: 'unauthenticated' });
    worker.end();
    expect(await life.detached).toBeUndefined();
  });
});
