/** Header fields that no library for clients would send. */

import { once } from 'node:events';
import { connect } from 'node:net';
import { afterEach, expect, test, vi } from 'vitest';
import { bearerAuthenticator } from '../../src/gateway/authenticator.js';
import { startTestGateway, type TestGateway } from '../support/gateway-host.js';

const hosts: TestGateway[] = [];

afterEach(async () => {
  vi.restoreAllMocks();
  for (const host of hosts.splice(0)) await host.stop();
});

async function start(): Promise<TestGateway> {
  const host = await startTestGateway({ authenticator: bearerAuthenticator({ token: 'the-token' }) });
  hosts.push(host);
  return host;
}

const [DATA, HEADERS, SETTINGS] = [0, 1, 4];
const [END_STREAM, END_HEADERS] = [1, 4];
const OF_A_CALL: readonly (readonly [string, string])[] = [
  [':method', 'POST'],
  [':scheme', 'http'],
  [':path', '/coilyard.v1.Sessions/ListSessions'],
  [':authority', 'here'],
  ['content-type', 'application/grpc'],
  ['te', 'trailers'],
];

function frame(type: number, flags: number, stream: number, payload: Buffer): Buffer {
  const head = Buffer.alloc(9);
  head.writeUIntBE(payload.byteLength, 0, 3);
  head.writeUInt8(type, 3);
  head.writeUInt8(flags, 4);
  head.writeUInt32BE(stream, 5);
  return Buffer.concat([head, payload]);
}

/** A field as HPACK has it when nothing is compressed. */
function field([name, value]: readonly [string, string]): Buffer {
  const [n, v] = [Buffer.from(name, 'latin1'), Buffer.from(value, 'latin1')];
  return Buffer.concat([Buffer.from([0, n.byteLength]), n, Buffer.from([v.byteLength]), v]);
}

interface Outcome {
  /** Whether it was answered with a message. */
  readonly answered: boolean;
  /** The codes of what was reported as refused. */
  readonly refused: readonly string[];
}

/** Makes a call with these fields besides those that every call has. */
async function call(host: TestGateway, ...fields: readonly (readonly [string, string])[]): Promise<Outcome> {
  const refused: string[] = [];
  const off = host.telemetry.on('gateway.refused', ({ code }) => void refused.push(code));
  const socket = connect(host.gateway.port, '127.0.0.1');
  await once(socket, 'connect');
  const answered = new Promise<boolean>((resolve) => {
    let frames: Buffer = Buffer.alloc(0);
    let hasMessage = false;
    const look = (bytes: Buffer): void => {
      frames = Buffer.concat([frames, bytes]);
      while (frames.byteLength >= 9 && frames.byteLength >= 9 + frames.readUIntBE(0, 3)) {
        const [type, flags] = [frames.readUInt8(3), frames.readUInt8(4)];
        hasMessage ||= type === DATA;
        if (type === HEADERS && (flags & END_STREAM) !== 0) resolve(hasMessage);
        frames = frames.subarray(9 + frames.readUIntBE(0, 3));
      }
    };
    socket.on('data', look);
  });
  socket.write(
    Buffer.concat([
      Buffer.from('PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n'),
      frame(SETTINGS, 0, 0, Buffer.alloc(0)),
      frame(HEADERS, END_HEADERS, 1, Buffer.concat([...OF_A_CALL, ...fields].map(field))),
      frame(DATA, END_STREAM, 1, Buffer.alloc(5)),
    ]),
  );
  const outcome = { answered: await answered, refused };
  socket.destroy();
  off();
  return outcome;
}

const good = ['authorization', 'Bearer the-token'] as const;
const ANSWERED: Outcome = { answered: true, refused: [] };
const UNAUTHENTICATED: Outcome = { answered: false, refused: ['unauthenticated'] };

test('what cannot be a token is refused and stands in no log', async () => {
  const host = await start();
  const printed = (['error', 'warn', 'log', 'info'] as const).map((method) => vi.spyOn(console, method));
  expect(await call(host, ['authorization', 'Bearer the-token\xe9'])).toEqual(UNAUTHENTICATED);
  expect(await call(host, good, ['a!b', 'a-secret'], ['other', 'a-secret\xe9'])).toEqual(ANSWERED);
  for (const spy of printed) expect(spy).not.toHaveBeenCalled();
});

test('of two tokens none counts', async () => {
  const host = await start();
  expect(await call(host, good)).toEqual(ANSWERED);
  expect(await call(host, good, ['authorization', 'Bearer of-somebody-else'])).toEqual(UNAUTHENTICATED);
  expect(await call(host, good, good)).toEqual(UNAUTHENTICATED);
});

test('a calling session that cannot be one is refused, never left out', async () => {
  const host = await start();
  expect(await call(host, good, ['coilyard-session', 'mine'])).toEqual(ANSWERED);
  expect(await call(host, good, ['coilyard-session', 'mine\xe9'])).toEqual({ answered: false, refused: [] });
  expect(await call(host, good, ['coilyard-session', 'a'], ['coilyard-session', 'b'])).toEqual({
    answered: false,
    refused: [],
  });
});
