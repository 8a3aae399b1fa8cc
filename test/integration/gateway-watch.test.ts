import { afterEach, beforeEach, expect, test } from 'vitest';
import { UpdateType, type WatchRequest, WatchResponse } from '../../src/gen/coilyard/v1/variables.js';
import type { Session } from '../../src/sessions/session.js';
import { decodeValue } from '../../src/wire/value.js';
import { reader, startTestGateway, type TestGateway } from '../support/gateway-host.js';

let host: TestGateway;
let session: Session;

beforeEach(async () => {
  host = await startTestGateway();
  session = await host.sessions.start({ id: 'watched' });
  await session.register('a', 'float', 0);
  await session.register('b', 'string', '');
});

afterEach(() => host.stop());

function watch(request: Partial<WatchRequest> = {}) {
  const stream = host.clients.variables.watch({
    sessionId: 'watched',
    variables: [],
    pattern: '',
    includeInitial: false,
    includeSettings: false,
    coalesce: true,
    ...request,
  });
  return { stream, ...reader<WatchResponse>(stream) };
}

const brief = ({ updates }: WatchResponse): unknown[] =>
  updates.map(({ type, name, value }) => [
    type,
    name,
    ...(value === undefined ? [] : [decodeValue(value, 'value').value]),
  ]);

test('the first message comes at once and says from where on nothing is missed', async () => {
  const { next, stream } = watch();
  const first = await next();
  expect(first.updates).toEqual([]);
  expect(first.position?.revision).toBe(BigInt(session.revision));
  expect(first.position?.tag).not.toBe('');
  stream.cancel();
});

test('initial values come when they are asked for, a float as a float', async () => {
  const { next, stream } = watch({ includeInitial: true, variables: ['a'] });
  const { updates } = await next();
  expect(updates).toHaveLength(1);
  expect(updates[0]).toMatchObject({
    type: UpdateType.INITIAL,
    name: 'a',
    value: { kind: { $case: 'float', value: 0 } },
  });
  stream.cancel();
});

test('what is committed in one turn comes as one message, in order', async () => {
  const { next, stream } = watch({ coalesce: false });
  await next();
  await Promise.all([session.set('a', 1), session.set('a', 2), session.update({ a: 3, b: 'x' })]);
  const message = await next();
  expect(brief(message)).toEqual([
    [UpdateType.UPDATED, 'a', 1],
    [UpdateType.UPDATED, 'a', 2],
    [UpdateType.UPDATED, 'a', 3],
    [UpdateType.UPDATED, 'b', 'x'],
  ]);
  expect(message.updates.map(({ revision }) => revision)).toEqual([3n, 4n, 5n, 5n]);
  expect(message.position?.revision).toBe(5n);
  stream.cancel();
});

test('a watch that resumes gets what it missed', async () => {
  const first = watch();
  const { position } = await first.next();
  first.stream.cancel();
  await session.set('a', 1);
  const { next, stream } = watch({ after: position });
  expect(brief(await next())).toEqual([[UpdateType.UPDATED, 'a', 1]]);
  stream.cancel();
});

test('a watch that resumes in another history is reset with its reason and the present values', async () => {
  const { next, stream } = watch({ after: { revision: 1n, tag: 'of another history' } });
  const { updates } = await next();
  expect(updates.map(({ type }) => type)).toEqual([UpdateType.RESET, UpdateType.INITIAL, UpdateType.INITIAL]);
  expect(updates[0]?.resetReason).toBe('diverged');
  stream.cancel();
});

test.each([
  ['the session is stopped', () => session.stop(), 5, 'session_not_found'],
  ['the variable is deleted', () => session.delete('a'), 5, 'variable_not_found'],
  ['the gateway stops', () => host.gateway.stop(), 14, 'store_unavailable'],
  ['the runtime stops', () => host.sessions.close(), 14, 'store_unavailable'],
])('a watch ends with a status when %s', async (_what, act, grpc, code) => {
  const { next, ended } = watch({ variables: ['a'] });
  await next();
  void act();
  expect(await ended).toMatchObject({ grpc, error: { code } });
});

test('the end of a watch comes after its last updates', async () => {
  const { next, ended } = watch({ variables: ['a'] });
  await next();
  await Promise.all([session.set('a', 1), session.delete('a')]);
  expect(brief(await next())).toContainEqual([UpdateType.DELETED, 'a']);
  expect(await ended).toMatchObject({ error: { code: 'variable_not_found' } });
});

test('a watch of what does not exist is refused', async () => {
  expect(await watch({ sessionId: 'nobody' }).ended).toMatchObject({ grpc: 5, error: { code: 'session_not_found' } });
  expect(await watch({ variables: ['nobody'] }).ended).toMatchObject({ error: { code: 'variable_not_found' } });
  expect(await watch({ sessionId: '' }).ended).toMatchObject({ error: { details: { field: 'session_id' } } });
});

test('a reader that has gone is forgotten', async () => {
  const { next, stream, ended } = watch();
  await next();
  expect(host.gateway.openStreams).toBe(1);
  stream.cancel();
  await ended;
  await expect.poll(() => host.gateway.openStreams).toBe(0);
});

test('a reader that does not read costs no memory: it gets the newest value and how much it skipped', async () => {
  const { next, stream } = watch({ variables: ['b'] });
  await next();
  stream.pause();
  const large = 'x'.repeat(2000);
  for (let n = 0; n < 3000; n += 1) {
    await session.set('b', `${n} ${large}`);
    await new Promise(setImmediate);
  }
  stream.resume();
  let received = 0;
  let skipped = 0n;
  for (let newest = ''; !newest.startsWith('2999 '); ) {
    const { updates } = await next();
    for (const update of updates) {
      received += 1;
      skipped += update.skipped;
      newest = update.value?.kind?.$case === 'text' ? update.value.kind.value : '';
    }
  }
  // What HTTP/2 let through, one message behind it, and what was folded.
  expect(received).toBeLessThan(1500);
  expect(BigInt(received) + skipped).toBe(3000n);
  stream.cancel();
});

test('a snapshot that is too large for one message comes in several, and only the last has the position', async () => {
  const small = await startTestGateway({ limits: { maxSendBytes: 64 * 1024 } });
  const many = await small.sessions.start({ id: 'large' });
  const text = 'x'.repeat(1000);
  await many.registerMany(
    Array.from({ length: 300 }, (_, n) => ({ name: `v${n}`, type: 'string', initialValue: text })),
  );
  const stream = small.clients.variables.watch({
    sessionId: 'large',
    variables: [],
    pattern: '',
    includeInitial: true,
    includeSettings: false,
    coalesce: true,
  });
  const { next } = reader<WatchResponse>(stream);
  const names: string[] = [];
  let messages = 0;
  for (let position: unknown; position === undefined; messages += 1) {
    const message = await next();
    position = message.position;
    names.push(...message.updates.map(({ name }) => name));
  }
  expect(names).toEqual(Array.from({ length: 300 }, (_, n) => `v${n}`));
  expect(messages).toBeGreaterThan(4);
  stream.cancel();
  await small.stop();
});

test('a value that no message can hold is watched in pieces, or without value by who takes none', async () => {
  const small = await startTestGateway({ limits: { maxSendBytes: 64 * 1024 } });
  const large = await small.sessions.start({ id: 'large' });
  await large.register('text', 'string', 'x'.repeat(200_000));
  const open = (pieces: boolean) =>
    reader<WatchResponse>(
      small.clients.variables.watch({
        sessionId: 'large',
        variables: ['text'],
        pattern: '',
        includeInitial: true,
        includeSettings: false,
        coalesce: true,
        pieces,
      }),
    );
  const [inPieces, plain] = [open(true), open(false)];
  const joined = async (): Promise<WatchResponse> => {
    const parts: Uint8Array[] = [];
    for (let isLast = false; !isLast; ) {
      const { piece, lastPiece } = await inPieces.next();
      parts.push(piece);
      isLast = lastPiece;
    }
    return WatchResponse.decode(Buffer.concat(parts));
  };
  expect((await joined()).updates[0]?.value).toMatchObject({ kind: { value: 'x'.repeat(200_000) } });
  expect(await plain.next()).toMatchObject({ updates: [{ type: UpdateType.INITIAL, value: undefined }] });

  await large.set('text', 'y'.repeat(300_000));
  await large.set('text', 'short');
  const [update] = (await joined()).updates;
  expect(update?.value).toMatchObject({ kind: { value: 'y'.repeat(300_000) } });
  expect(update?.oldValue).toMatchObject({ kind: { value: 'x'.repeat(200_000) } });
  expect(await plain.next()).toMatchObject({
    updates: [
      { version: 1n, value: undefined, oldValue: undefined },
      { version: 2n, value: { kind: { value: 'short' } }, oldValue: undefined },
    ],
  });
  await small.stop();
});
