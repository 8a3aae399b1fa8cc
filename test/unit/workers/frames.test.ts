import fc from 'fast-check';
import { expect, test } from 'vitest';
import * as wire from '../../../src/gen/coilyard/v1/workers.js';
import { CoilyardError, errorKinds, isErrorCode } from '../../../src/kernel/errors.js';
import { incarnation, sessionId, workerId } from '../../../src/kernel/ids.js';
import { decodeRuntimeFrame, encodeRuntimeFrame } from '../../../src/wire/runtime-frame-codec.js';
import { decodeWorkerFrame, encodeWorkerFrame } from '../../../src/wire/worker-frame-codec.js';
import { ok } from '../../../src/kernel/result.js';
import type { RuntimeFrame, WorkerFrame } from '../../../src/wire/frames.js';

/** Through the bytes, as over a real carrier. */
const overTheWire = (frame: RuntimeFrame): RuntimeFrame =>
  decodeRuntimeFrame(wire.RuntimeFrame.decode(wire.RuntimeFrame.encode(encodeRuntimeFrame(frame)).finish()));
const backOverTheWire = (frame: WorkerFrame): WorkerFrame =>
  decodeWorkerFrame(wire.WorkerFrame.decode(wire.WorkerFrame.encode(encodeWorkerFrame(frame)).finish()));

const count = fc.nat({ max: Number.MAX_SAFE_INTEGER });
const positive = fc.integer({ min: 1, max: 2 ** 31 });
const text = fc.string({ unit: 'grapheme' });
const name = fc.oneof(fc.string({ minLength: 1, unit: 'grapheme' }), fc.constantFrom('__proto__', 'constructor', ' '));
const value = fc.oneof(
  text,
  fc.boolean(),
  fc.constant(null),
  fc.maxSafeInteger(),
  fc.bigInt({ min: 2n ** 53n, max: 2n ** 80n }),
  fc.double({ noNaN: true }),
);
const values = fc.array(fc.tuple(name, value)).map((entries) => new Map(entries));
const typed = fc.oneof(
  fc.double({ noNaN: true }).map((number) => ({ kind: 'float' as const, value: number })),
  fc.maxSafeInteger().map((number) => ({ kind: 'integer' as const, value: number })),
  text.map((module) => ({ kind: 'module' as const, value: module })),
);
const timeout = fc.option(fc.record({ timeoutMs: count }), { nil: {} });

const runtimeFrame: fc.Arbitrary<RuntimeFrame> = fc.oneof(
  fc.record({
    type: fc.constant('welcome' as const),
    workerId: name.map(workerId),
    heartbeatIntervalMs: count,
    maxFrameBytes: positive,
    leaseMs: positive,
  }),
  fc.constant({ type: 'pulse' as const }),
  fc
    .record({
      type: fc.constant('call' as const),
      callId: count,
      sessionId: fc.option(fc.constantFrom(sessionId('s-1'), sessionId('s-2'))),
      target: fc.oneof(
        fc.record({ type: fc.constant('tool' as const), name }),
        fc.record({
          type: fc.constant('module' as const),
          recipe: fc
            .record({ kind: name, signature: text, options: values, tools: fc.array(text) })
            .chain((recipe) => fc.string({ minLength: 1 }).map((instructions) => ({ ...recipe, instructions }))),
        }),
      ),
      arguments: values,
      variables: fc.array(fc.tuple(name, typed)).map((entries) => new Map(entries)),
      revision: count,
      stream: fc.boolean(),
      attempt: positive,
    })
    .chain((call) => timeout.map((left) => ({ ...call, ...left }))),
  fc.record({ type: fc.constant('cancel' as const), callId: count, reason: text }),
  fc.record({ type: fc.constant('credit' as const), callId: count, chunks: positive }),
  fc.constant({ type: 'drain' as const }),
  fc.record({ type: fc.constant('answer' as const), askId: count, outcome: value.map(ok) }),
);

const answer = <Type extends 'chunk' | 'result'>(type: Type) =>
  fc.record({ type: fc.constant(type), callId: count, value });
const workerFrame: fc.Arbitrary<WorkerFrame> = fc.oneof(
  fc.record({
    type: fc.constant('hello' as const),
    token: name,
    workerId: name.map(workerId),
    incarnation: positive.map(incarnation),
    pid: count,
    pythonVersion: text,
    sdkVersion: text,
    tools: fc.uniqueArray(fc.record({ name, description: text, parametersSchema: text, streaming: fc.boolean() }), {
      selector: (tool) => tool.name,
    }),
    modules: fc.uniqueArray(fc.record({ name, description: text, variables: fc.array(text) }), {
      selector: (module) => module.name,
    }),
    concurrency: positive,
  }),
  fc
    .record({
      type: fc.constant('ask' as const),
      askId: count,
      callId: count,
      sessionId: fc.option(fc.constantFrom(sessionId('s-1'), sessionId('s-2'))),
      name,
      arguments: values.map(ok),
    })
    .chain((ask) => timeout.map((left) => ({ ...ask, ...left }))),
  fc.record({ type: fc.constant('ask_cancel' as const), askId: count }),
  fc
    .record({ type: fc.constant('progress' as const), callId: count, message: text })
    .chain((progress) =>
      fc
        .option(fc.record({ fraction: fc.double({ min: 0, max: 1, noNaN: true }) }), { nil: {} })
        .map((known) => ({ ...progress, ...known })),
    ),
  fc.record({ type: fc.constant('log' as const), callId: count, level: text, logger: text, message: text }),
  answer('chunk'),
  answer('result'),
  fc.record({
    type: fc.constant('heartbeat' as const),
    loopLagMs: count,
    callIds: fc.array(count),
    residentBytes: count,
  }),
  fc.constant({ type: 'draining' as const }),
);

test('every frame to a worker arrives as it was sent', () => {
  fc.assert(fc.property(runtimeFrame, (frame) => void expect(overTheWire(frame)).toEqual(frame)));
});

test('every frame from a worker arrives as it was sent', () => {
  fc.assert(fc.property(workerFrame, (frame) => void expect(backOverTheWire(frame)).toEqual(frame)));
});

test('a float variable that is whole stays a float', () => {
  const sent: RuntimeFrame = {
    type: 'call',
    callId: 1,
    sessionId: null,
    target: { type: 'tool', name: 't' },
    arguments: new Map(),
    variables: new Map([['temperature', { kind: 'float', value: 2 }]]),
    revision: 3,
    stream: false,
    attempt: 1,
  };
  expect(overTheWire(sent)).toEqual(sent);
});

test('an error keeps its code, execution, details and retry-after; a traceback of any length stays whole', () => {
  for (const code of Object.keys(errorKinds).filter(isErrorCode)) {
    const error = new CoilyardError(code, 'what happened', {
      details: { field: 'x', count: 3, big: 2n ** 70n, traceback: 'line\n'.repeat(50_000) },
      execution: 'done',
      retryable: true,
      retryAfterMs: 12.3,
    });
    const frame = backOverTheWire({ type: 'failure', callId: 1, error });
    expect(frame).toMatchObject({
      type: 'failure',
      error: {
        code,
        message: 'what happened',
        execution: 'done',
        retryable: true,
        retryAfterMs: 13,
        details: error.details,
      },
    });
  }
});

test('what cannot travel in the details of an error is described instead', () => {
  const error = new CoilyardError('internal', 'x', { details: { callback: () => {}, map: new WeakMap() } });
  const frame = backOverTheWire({ type: 'failure', callId: 1, error });
  expect(frame).toMatchObject({ error: { code: 'internal', details: { callback: 'a function' } } });
});

test('an error code from another version becomes internal and is kept', () => {
  const message = encodeWorkerFrame({ type: 'failure', callId: 1, error: new CoilyardError('internal', 'x') });
  if (message.frame?.$case === 'failure' && message.frame.value.error) message.frame.value.error.code = 'from_tomorrow';
  expect(decodeWorkerFrame(message)).toMatchObject({ error: { code: 'internal', details: { code: 'from_tomorrow' } } });
});

test.each([
  ['result', 'done'],
  ['chunk', 'unknown'],
] as const)('a %s whose value cannot be read is the failure of its call, execution %s', ($case, execution) => {
  const bad = { kind: { $case: 'bigInteger' as const, value: 'many' } };
  for (const value of [undefined, { kind: undefined }, bad])
    expect(decodeWorkerFrame({ frame: { $case, value: { callId: 7n, value } } })).toMatchObject({
      type: 'failure',
      callId: 7,
      error: { code: 'invalid_argument', execution },
    });
});

const hello = {
  token: 't',
  workerId: 'w',
  incarnation: 1n,
  pid: 1n,
  pythonVersion: '',
  sdkVersion: '',
  tools: [],
  modules: [],
  concurrency: 1,
};
const tool = { name: 'same', description: '', parametersSchema: '', streaming: false, variables: [] };

test.each<[string, wire.WorkerFrame, string]>([
  ['no frame at all', { frame: undefined }, 'frame'],
  [
    'a call id beyond 2^53',
    { frame: { $case: 'result', value: { callId: 2n ** 60n, value: undefined } } },
    'result.call_id',
  ],
  ['a hello without a token', { frame: { $case: 'hello', value: { ...hello, token: '' } } }, 'hello.token'],
  ['a hello without a worker id', { frame: { $case: 'hello', value: { ...hello, workerId: '' } } }, 'hello.worker_id'],
  [
    'a hello of no incarnation',
    { frame: { $case: 'hello', value: { ...hello, incarnation: 0n } } },
    'hello.incarnation',
  ],
  [
    'a worker that runs no call',
    { frame: { $case: 'hello', value: { ...hello, concurrency: 0 } } },
    'hello.concurrency',
  ],
  ['two tools of one name', { frame: { $case: 'hello', value: { ...hello, tools: [tool, tool] } } }, 'hello.tools'],
  [
    'a tool without a name',
    { frame: { $case: 'hello', value: { ...hello, tools: [{ ...tool, name: '' }] } } },
    'hello.tools.name',
  ],
])('%s is refused with the name of the field', (_what, message, field) => {
  expect(() => decodeWorkerFrame(message)).toThrow(
    expect.objectContaining({ code: 'invalid_argument', details: expect.objectContaining({ field }) }),
  );
});

test('bytes of a stranger become a frame, or an error; never anything else', () => {
  const valid = fc.oneof(workerFrame).map((frame) => wire.WorkerFrame.encode(encodeWorkerFrame(frame)).finish());
  const mangled = fc
    .tuple(valid, fc.array(fc.tuple(fc.nat(), fc.nat({ max: 255 })), { maxLength: 5 }))
    .map(([bytes, edits]) => {
      const copy = Uint8Array.from(bytes);
      for (const [at, byte] of edits) if (copy.length > 0) copy[at % copy.length] = byte;
      return copy;
    });
  fc.assert(
    fc.property(fc.oneof(mangled, fc.uint8Array()), (bytes) => {
      let message: wire.WorkerFrame;
      try {
        message = wire.WorkerFrame.decode(bytes);
      } catch {
        return; // Not protobuf: the carrier's concern.
      }
      try {
        expect(decodeWorkerFrame(message).type).toEqual(expect.any(String));
      } catch (error) {
        expect(error).toBeInstanceOf(CoilyardError);
      }
    }),
    { numRuns: 1_000 },
  );
});
