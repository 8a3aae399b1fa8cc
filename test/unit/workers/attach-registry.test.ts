import { expect, test } from 'vitest';
import { systemRandom } from '../../../src/kernel/clock.js';
import type { CoilyardError } from '../../../src/kernel/errors.js';
import { incarnation, workerId } from '../../../src/kernel/ids.js';
import { TelemetryBus } from '../../../src/kernel/telemetry.js';
import { ManualClock } from '../../../src/testing/manual-clock.js';
import type { HelloFrame } from '../../../src/wire/frames.js';
import type { Attachment } from '../../../src/workers/attachment.js';
import { AttachRegistry, type GuestLine } from '../../../src/workers/attach-registry.js';

const guest = { pool: 'test', workerId: workerId('test-0'), incarnation: incarnation(2) };

function aDesk() {
  const clock = new ManualClock();
  const telemetry = new TelemetryBus();
  const dropped: unknown[] = [];
  telemetry.on('worker.frame_dropped', (fields) => dropped.push(fields));
  const registry = new AttachRegistry({ clock, telemetry, random: systemRandom, helloTimeoutMs: 500 });
  return { clock, registry, dropped };
}

function aLine() {
  const heard: string[] = [];
  const line: GuestLine = {
    attached: () => heard.push('attached'),
    received: (frame) => heard.push(frame.type),
    detached: (cause) => heard.push(cause === undefined ? 'detached' : 'detached badly'),
  };
  return { heard, line };
}

function anAttachment() {
  const closed: (CoilyardError | undefined)[] = [];
  const attachment: Attachment = { send: () => true, close: (error) => void closed.push(error) };
  return { attachment, closed };
}

const hello = (changes: Partial<HelloFrame>): HelloFrame => ({
  type: 'hello',
  token: '',
  workerId: guest.workerId,
  incarnation: guest.incarnation,
  pid: 1,
  pythonVersion: '',
  sdkVersion: '',
  tools: [],
  modules: [],
  concurrency: 1,
  ...changes,
});

const beat = { type: 'heartbeat', loopLagMs: 0, callIds: [], residentBytes: 0 } as const;

test('the right token connects a life with its frames, and its end is told once', () => {
  const { registry, clock } = aDesk();
  const { heard, line } = aLine();
  const { token } = registry.expect(guest, line);
  const receiver = registry.accept(anAttachment().attachment);
  receiver.receive(hello({ token }));
  receiver.receive(beat);
  receiver.closed();
  receiver.closed(new Error('again'));
  expect(heard).toEqual(['attached', 'heartbeat', 'detached']);
  expect(clock.pendingTimers).toBe(0);
});

test.each<[string, (token: string) => Partial<HelloFrame>]>([
  ['an unknown token', () => ({ token: 'x'.repeat(43) })],
  ['an empty token', () => ({ token: '' })],
  ['a very long token', () => ({ token: 'x'.repeat(1_000_000) })],
  ['the right token under another name', (token) => ({ token, workerId: workerId('test-1') })],
  ['the right token for an earlier life', (token) => ({ token, incarnation: incarnation(1) })],
  ['the right token for a later life', (token) => ({ token, incarnation: incarnation(3) })],
])('%s is refused as unauthenticated, with one message for all', (_what, changes) => {
  const { registry } = aDesk();
  const { heard, line } = aLine();
  const { token } = registry.expect(guest, line);
  const { attachment, closed } = anAttachment();
  registry.accept(attachment).receive(hello(changes(token)));
  expect(closed).toMatchObject([
    { code: 'unauthenticated', message: 'the token is unknown, was used before, or belongs to another worker' },
  ]);
  expect(heard).toEqual([]);
});

test('a wrong token does not spoil the right one', () => {
  const { registry } = aDesk();
  const { heard, line } = aLine();
  const { token } = registry.expect(guest, line);
  registry.accept(anAttachment().attachment).receive(hello({ token: 'wrong' }));
  registry.accept(anAttachment().attachment).receive(hello({ token }));
  expect(heard).toEqual(['attached']);
});

test('a token works once', () => {
  const { registry } = aDesk();
  const { heard, line } = aLine();
  const { token } = registry.expect(guest, line);
  registry.accept(anAttachment().attachment).receive(hello({ token }));
  const { attachment, closed } = anAttachment();
  registry.accept(attachment).receive(hello({ token }));
  expect(closed).toMatchObject([{ code: 'unauthenticated' }]);
  expect(heard).toEqual(['attached']);
});

test('a first frame that is not hello is refused', () => {
  const { registry } = aDesk();
  const { attachment, closed } = anAttachment();
  registry.accept(attachment).receive(beat);
  expect(closed).toMatchObject([{ code: 'unauthenticated' }]);
});

test('a second hello ends the connection and its life hears of it', () => {
  const { registry } = aDesk();
  const { heard, line } = aLine();
  const { token } = registry.expect(guest, line);
  const { attachment, closed } = anAttachment();
  const receiver = registry.accept(attachment);
  receiver.receive(hello({ token }));
  receiver.receive(hello({ token }));
  expect(closed).toMatchObject([{ code: 'invalid_argument' }]);
  expect(heard).toEqual(['attached', 'detached badly']);
});

test('a connection that says no hello in time is ended', async () => {
  const { registry, clock } = aDesk();
  const { attachment, closed } = anAttachment();
  registry.accept(attachment);
  await clock.advance(499);
  expect(closed).toEqual([]);
  await clock.advance(1);
  expect(closed).toMatchObject([{ code: 'unauthenticated' }]);
});

test('a connection that leaves before hello leaves no timer', () => {
  const { registry, clock } = aDesk();
  registry.accept(anAttachment().attachment).closed();
  expect(clock.pendingTimers).toBe(0);
});

test('a revoked invitation lets nobody in', () => {
  const { registry } = aDesk();
  const { heard, line } = aLine();
  const invitation = registry.expect(guest, line);
  invitation.revoke();
  invitation.revoke();
  const { attachment, closed } = anAttachment();
  registry.accept(attachment).receive(hello({ token: invitation.token }));
  expect(closed).toMatchObject([{ code: 'unauthenticated' }]);
  expect(heard).toEqual([]);
});

test('after revoke the connection is ended, frames on their way are counted, and the life hears nothing', () => {
  const { registry, dropped } = aDesk();
  const { heard, line } = aLine();
  const invitation = registry.expect(guest, line);
  const { attachment, closed } = anAttachment();
  const receiver = registry.accept(attachment);
  receiver.receive(hello({ token: invitation.token }));
  invitation.revoke();
  receiver.receive(beat);
  receiver.closed();
  expect(closed).toEqual([undefined]);
  expect(heard).toEqual(['attached']);
  expect(dropped).toEqual([{ ...guest, frame: 'heartbeat' }]);
});

test('the hello of an earlier life is counted as dropped', () => {
  const { registry, dropped } = aDesk();
  registry.expect(guest, aLine().line);
  registry.accept(anAttachment().attachment).receive(hello({ token: 'old', incarnation: incarnation(1) }));
  expect(dropped).toEqual([{ ...guest, incarnation: 1, frame: 'hello' }]);
});

test('a closed registry ends what is connected, tells its life, and refuses newcomers', () => {
  const { registry, clock } = aDesk();
  const { heard, line } = aLine();
  const { token } = registry.expect(guest, line);
  const first = anAttachment();
  registry.accept(first.attachment).receive(hello({ token }));
  const silent = anAttachment();
  registry.accept(silent.attachment);
  registry.close();
  const late = anAttachment();
  registry.accept(late.attachment);
  for (const { closed } of [first, silent, late]) expect(closed).toMatchObject([{ code: 'pool_unavailable' }]);
  expect(heard).toEqual(['attached', 'detached badly']);
  expect(clock.pendingTimers).toBe(0);
});

test('a life that fails to take a frame loses its connection, and no carrier ever sees an exception', () => {
  const { registry } = aDesk();
  const causes: unknown[] = [];
  const { token } = registry.expect(guest, {
    attached: () => {},
    received: () => {
      throw new Error('a bug');
    },
    detached: (cause) => causes.push(cause),
  });
  const { attachment, closed } = anAttachment();
  const receiver = registry.accept(attachment);
  receiver.receive(hello({ token }));
  receiver.receive(beat);
  expect(closed).toMatchObject([{ code: 'internal', message: 'a bug' }]);
  expect(causes).toHaveLength(1);
});
