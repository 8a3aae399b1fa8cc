import { expect, test } from 'vitest';
import { RuntimeFrame as WireFrame } from '../../../src/gen/coilyard/v1/workers.js';
import { ok } from '../../../src/kernel/result.js';
import { Tensor } from '../../../src/variables/tensor.js';
import { runtimeFrameBytes } from '../../../src/wire/frame-bytes.js';
import { decodeRuntimeFrame } from '../../../src/wire/runtime-frame-codec.js';
import type { CallFrame, RuntimeFrame } from '../../../src/wire/frames.js';

const bytes = (length: number): Uint8Array => Uint8Array.from({ length }, (_, at) => at % 251);
const tensor = (length: number) => ({ dtype: 'uint8', shape: [length], data: bytes(length) });

const call = (args: Record<string, unknown>): CallFrame => ({
  type: 'call',
  callId: 7,
  sessionId: null,
  target: { type: 'tool', name: 'take' },
  arguments: new Map(Object.entries(args)),
  variables: new Map(),
  revision: 3,
  stream: true,
  attempt: 1,
});

const throughWire = (frame: RuntimeFrame): RuntimeFrame =>
  decodeRuntimeFrame(WireFrame.decode(Buffer.concat(runtimeFrameBytes(frame))));

/** Byte for byte: the matcher of deep equality takes seconds for an array of millions. */
function expectTensor(found: unknown, length: number): void {
  expect(found instanceof Tensor && found.equals(new Tensor('uint8', [length], bytes(length)))).toBe(true);
}

test.each([0, 1, 100_000, 262_144, 3_000_000])('an array of %d bytes arrives in its frame', (length) => {
  const frame = call({ before: 'x', array: tensor(length), other: tensor(70_000), after: [1, 2] });
  const found = throughWire(frame);
  expect(found).toMatchObject({ type: 'call', callId: 7, revision: 3, stream: true, attempt: 1 });
  const args = found.type === 'call' ? found.arguments : new Map<string, unknown>();
  expect([args.get('before'), args.get('after')]).toEqual(['x', [1, 2]]);
  expectTensor(args.get('array'), length);
  expectTensor(args.get('other'), 70_000);
  const answer = throughWire({ type: 'answer', askId: 2, outcome: ok(tensor(length)) });
  expectTensor(answer.type === 'answer' && answer.outcome.ok ? answer.outcome.value : undefined, length);
});

test('a variable that is a large tensor arrives with its call', () => {
  const value = new Tensor('uint8', [300_000], bytes(300_000));
  const frame = { ...call({}), variables: new Map([['weights', { value, kind: 'tensor' as const }]]) };
  const found = throughWire(frame);
  expectTensor(found.type === 'call' ? found.variables.get('weights')?.value : undefined, 300_000);
});

test('a large array is not copied into its frame, and what the caller does to it later does not show', () => {
  const array = tensor(3_000_000);
  const parts = runtimeFrameBytes(call({ array }));
  expect(parts.map(({ byteLength }) => byteLength)).toContain(3_000_000);
  const before = Buffer.concat(parts);
  array.data.fill(0);
  expect(Buffer.concat(parts).equals(before)).toBe(true);
});
