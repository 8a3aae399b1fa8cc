import fc from 'fast-check';
import { expect, test } from 'vitest';
import {
  encodeZygoteFrame,
  type ZygoteFrame,
  ZygoteFrameReader,
} from '../../../src/workers/launchers/zygote-frames.js';

const framed = (payload: string): Buffer => {
  const body = Buffer.from(payload);
  const length = Buffer.alloc(4);
  length.writeUInt32BE(body.length);
  return Buffer.concat([length, body]);
};

const said: readonly ZygoteFrame[] = [
  { type: 'ready', pid: 7, objections: ["thread 'ä'"], importMs: 12 },
  { type: 'import_failed', module: 'm', reason: 'cannot' },
  { type: 'forked', id: 1, pid: 8 },
  { type: 'refused', id: 2, objections: [] },
  { type: 'failed', id: 3, reason: 'no memory' },
  { type: 'exited', pid: 8, code: null, signal: 'SIGKILL' },
  { type: 'exited', pid: 9, code: 3, signal: null },
];

test('what a zygote says is read however the bytes are cut', () => {
  const bytes = Buffer.concat(said.map((frame) => framed(JSON.stringify(frame))));
  fc.assert(
    fc.property(fc.array(fc.nat(bytes.length), { maxLength: 12 }), (cuts) => {
      const reader = new ZygoteFrameReader();
      const places = [0, ...cuts.sort((a, b) => a - b), bytes.length];
      const read = places.flatMap((from, index) => [...reader.push(bytes.subarray(from, places[index + 1] ?? from))]);
      expect(read).toEqual(said);
    }),
  );
});

test.each([
  ['no JSON', 'hello'],
  ['a text', '"ready"'],
  ['an unknown word', '{"type":"hello"}'],
  ['a missing field', '{"type":"forked","id":1}'],
  ['a field of another kind', '{"type":"exited","pid":"8","code":0,"signal":null}'],
])('what no zygote says is refused: %s', (_what, payload) => {
  expect(() => [...new ZygoteFrameReader().push(framed(payload))]).toThrow(/said what none says/);
});

test('a frame that is too long is refused before it is read', () => {
  expect(() => [...new ZygoteFrameReader().push(Buffer.from([0x7f, 0, 0, 0]))]).toThrow(/2130706432 bytes/);
});

test('an order to fork is one frame, its length in bytes', () => {
  const order = {
    type: 'fork',
    id: 1,
    worker: 'ä/1',
    arguments: ['--gateway', 'h:1'],
    token: 't',
    mark: 'm',
    lines: 'l',
    keys: ['a', 'b'],
  } as const;
  const bytes = encodeZygoteFrame(order);
  expect(bytes.readUInt32BE()).toBe(bytes.length - 4);
  expect(JSON.parse(bytes.subarray(4).toString())).toEqual(order);
});
