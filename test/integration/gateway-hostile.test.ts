import { BinaryWriter } from '@bufbuild/protobuf/wire';
import { credentials, makeGenericClientConstructor, Metadata } from '@grpc/grpc-js';
import fc from 'fast-check';
import { afterAll, afterEach, beforeAll, expect, test } from 'vitest';
import { SessionsService } from '../../src/gen/coilyard/v1/sessions.js';
import type { Value } from '../../src/gen/coilyard/v1/value.js';
import { VariablesService } from '../../src/gen/coilyard/v1/variables.js';
import { WorkersService } from '../../src/gen/coilyard/v1/workers.js';
import { decodeValue } from '../../src/wire/value.js';
import {
  ask,
  askedForToken,
  noSource,
  type Refusal,
  refusal,
  startTestGateway,
  type TestGateway,
  value,
  values,
} from '../support/gateway-host.js';

let host: TestGateway;
const sessionId = 'hostile';

beforeAll(async () => {
  host = await startTestGateway();
  const session = await host.sessions.start({ id: sessionId });
  await session.register('ratio', 'float', 0.5);
  await session.register('count', 'integer', 1);
  await session.register('good', 'string', 'still here');
});

// Whatever was sent before: the gateway serves on.
afterEach(async () => {
  const { variable } = await get('good');
  expect(variable?.value?.kind?.value).toBe('still here');
});

afterAll(() => host.stop());

const variables = () => host.clients.variables;
const get = (variable: string, id = sessionId) =>
  ask(variables().getVariable.bind(variables()), { sessionId: id, variable });
const set = (variable: string, content: Value | undefined) =>
  ask(variables().setVariable.bind(variables()), { ...noSource, sessionId, variable, value: content });
const register = (
  name: string,
  type: string,
  initialValue: Value | undefined,
  constraints = new Map<string, Value>(),
) =>
  ask(variables().registerVariables.bind(variables()), {
    ...noSource,
    sessionId,
    variables: [
      {
        name,
        type,
        initialValue,
        constraints,
        metadata: new Map(),
        description: '',
        readOnly: false,
        dependencies: [],
        accessRules: [],
      },
    ],
  });

/** Sends bytes as they are to a method. */
function raw(path: string, bytes: Buffer): Promise<Refusal> {
  const Raw = makeGenericClientConstructor({}, 'raw');
  const client = new Raw(host.gateway.address, credentials.createInsecure());
  const asItIs = (buffer: Buffer): Buffer => buffer;
  const call = new Promise((resolve, reject) => {
    client.makeUnaryRequest(path, asItIs, asItIs, bytes, new Metadata(), {}, (error, response) =>
      error === null ? resolve(response) : reject(error),
    );
  });
  return refusal(call).finally(() => client.close());
}

test('an unknown type is refused with the types there are', async () => {
  const { grpc, error } = await refusal(register('x', 'quaternion', value(1)));
  expect(grpc).toBe(3);
  expect(error).toMatchObject({ code: 'unknown_type', execution: 'not_started' });
  expect(error?.details.expected).toContain('float');
});

test.each([
  ['a text for a float', 'ratio', value('0.5')],
  ['a boolean for a float', 'ratio', value(true)],
  ['a list for a float', 'ratio', value([1])],
  ['null for a float', 'ratio', value(null)],
  ['a float for an integer, even a whole one', 'count', { kind: { $case: 'float', value: 2 } } as const],
  ['a tensor for an integer', 'count', value({ dtype: 'int8', shape: [1], data: new Uint8Array(1) })],
  ['a map with a hostile key', 'count', value({ constructor: { name: { toString: 1 } } })],
])('%s is the wrong kind', async (_what, variable, content) => {
  expect(await refusal(set(variable, content))).toMatchObject({
    grpc: 3,
    error: { code: 'validation_failed', details: { variable, wrongKind: true } },
  });
});

test.each([Number.NaN, Infinity, -Infinity])('%s is refused for a float', async (content) => {
  expect(await refusal(set('ratio', { kind: { $case: 'float', value: content } }))).toMatchObject({
    grpc: 3,
    error: { code: 'validation_failed' },
  });
});

test('a value without a kind and a value that is missing are refused by name', async () => {
  for (const content of [{ kind: undefined }, undefined])
    expect((await refusal(set('ratio', content))).error).toMatchObject({
      code: 'invalid_argument',
      details: { field: 'value' },
    });
});

test.each([2n ** 53n + 1n, -(2n ** 63n), 2n ** 64n, 10n ** 200n])('%s is stored exactly', async (content) => {
  const { variable } = await set('count', value(content));
  expect(decodeValue(variable?.value, 'value').value).toBe(content);
  expect(decodeValue((await get('count')).variable?.value, 'value').value).toBe(content);
});

test('a big integer that is none is refused', async () => {
  for (const text of ['', '1e3', '9'.repeat(5000), '1; drop'])
    expect((await refusal(set('count', { kind: { $case: 'bigInteger', value: text } }))).error?.code).toBe(
      'invalid_argument',
    );
});

test('__proto__ and constructor are names, keys and constraints like any other', async () => {
  for (const name of ['__proto__', 'constructor', 'toString']) {
    await register(name, 'string', value(name));
    expect((await get(name)).variable).toMatchObject({ name, version: 0n });
    const { variables: found } = await ask(variables().getVariables.bind(variables()), {
      sessionId,
      variables: [name],
    });
    expect(found.get(name)?.value?.kind?.value).toBe(name);
    const { error } = await refusal(register(`with_${name}`, 'string', value(''), new Map([[name, value(1)]])));
    expect(error).toMatchObject({ code: 'invalid_argument' });
    expect(error?.details.field).toContain(name);
  }
  const metadata = new Map([['__proto__', value({ polluted: true })]]);
  await ask(variables().setVariable.bind(variables()), {
    ...noSource,
    sessionId,
    variable: 'ratio',
    value: value(0.1),
    metadata,
  });
  expect(Reflect.get({}, 'polluted')).toBeUndefined();
  expect((await get('ratio')).variable?.metadata.get('__proto__')).toEqual(metadata.get('__proto__'));
});

test.each(['', 'a b', 'var_a_1', '../x', 'x'.repeat(129), '\u0000', '💥'])('%j is no name', async (name) => {
  expect((await refusal(register(name, 'float', value(1)))).error?.code).toBe('invalid_argument');
});

test('a message that is too large is refused with its typed error, and never held in memory', async () => {
  const before = process.memoryUsage().arrayBuffers;
  const hundred = Buffer.alloc(100 * 1024 * 1024);
  const { grpc, error } = await raw('/coilyard.v1.Variables/SetVariable', hundred);
  expect(grpc).toBe(8);
  expect(error).toMatchObject({ code: 'payload_too_large', execution: 'not_started', retryable: false });
  // The client's own copies count here too: what must not be there is the server's.
  expect(process.memoryUsage().arrayBuffers - before).toBeLessThan(350 * 1024 * 1024);
});

test('a reply that is too large is refused with its typed error', async () => {
  const small = await startTestGateway({ limits: { maxSendBytes: 10_000, maxCarriedBytes: 10_000 } });
  const session = await small.sessions.start({ id: sessionId });
  for (let n = 0; n < 20; n += 1) await session.register(`v${n}`, 'string', 'x'.repeat(1000));
  const client = small.clients.variables;
  const list = ask(client.listVariables.bind(client), { sessionId, type: '', source: '', pattern: '' });
  expect(await refusal(list)).toMatchObject({ grpc: 8, error: { code: 'payload_too_large', execution: 'done' } });
  await small.stop();
});

test.each([
  ['garbage', Buffer.from('ffffffffffffffffffffff', 'hex')],
  ['a length beyond the end', Buffer.from([0x0a, 0x7f, 0x41])],
  ['a group that never ends', Buffer.from([0x0b, 0x0b, 0x0b])],
])('%s is refused as a malformed request', async (_what, bytes) => {
  expect(await raw('/coilyard.v1.Variables/GetVariable', bytes)).toMatchObject({
    grpc: 3,
    error: { code: 'invalid_argument', details: { field: 'request' } },
  });
});

test.each([
  ['bytes that are no UTF-8', Buffer.from([0xff, 0xfe])],
  // As some encoders write it.
  ['half of a pair', Buffer.from([0xed, 0xa0, 0x80])],
  ['a long text with one bad byte', Buffer.concat([Buffer.alloc(10_000, 'x'), Buffer.from([0xc3])])],
])('a text of %s is refused, never stored as another one', async (_what, text) => {
  const { requestSerialize } = VariablesService.setVariable;
  const request = requestSerialize({ ...noSource, sessionId, variable: 'good', value: undefined });
  // The text of a value, and the value of the request.
  const value = delimited(5, text);
  const { grpc, error } = await raw(VariablesService.setVariable.path, Buffer.concat([request, delimited(4, value)]));
  expect(grpc).toBe(3);
  expect(error).toMatchObject({ code: 'invalid_argument', execution: 'not_started' });
});

/** A field of this number that has a length. */
function delimited(number: number, bytes: Uint8Array): Buffer {
  return Buffer.from(
    new BinaryWriter()
      .uint32((number << 3) | 2)
      .bytes(bytes)
      .finish(),
  );
}

test('an unknown method is UNIMPLEMENTED', async () => {
  expect((await raw('/coilyard.v1.Variables/DropTables', Buffer.alloc(0))).grpc).toBe(12);
});

test('an unknown session is session_not_found, whatever its id looks like', async () => {
  for (const id of ['nobody', '__proto__', '../../etc/passwd', '*', 'x'.repeat(10_000), '\u0000'])
    expect(await refusal(get('good', id))).toMatchObject({ grpc: 5, error: { code: 'session_not_found' } });
});

// A header that begins or ends with a space never arrives: HTTP/2 drops it.
test.each(['Basic abc', 'Bearer', 'bearer a b', 'token', 'Bearer,a'])(
  'an authorization of %j is malformed, also where none is asked for',
  async (authorization) => {
    const refusals: string[] = [];
    const off = host.telemetry.on('gateway.refused', ({ method, code }) => refusals.push(`${method} ${code}`));
    const call = ask(
      variables().getVariable.bind(variables()),
      { sessionId, variable: 'good' },
      { headers: { authorization } },
    );
    expect(await refusal(call)).toMatchObject({ grpc: 16, error: { code: 'unauthenticated' } });
    expect(refusals).toEqual([`${askedForToken(VariablesService.getVariable.path)} unauthenticated`]);
    off();
  },
);

test('errors stay within what a trailer can hold', async () => {
  const { grpc, error } = await refusal(get('💥'.repeat(100_000)));
  expect(grpc).toBe(5);
  expect(error?.code).toBe('variable_not_found');
  const { error: constrained } = await refusal(
    register('long', 'choice', value('x'), values({ choices: Array.from({ length: 5000 }, (_, n) => `choice ${n}`) })),
  );
  expect(constrained?.code).toBe('constraint_violation');
});

test('JSON that nests too deep, or is none, is refused', async () => {
  for (const text of ['['.repeat(100_000), '{', '[1,]'])
    expect((await refusal(set('count', { kind: { $case: 'json', value: text } }))).error).toMatchObject({
      code: 'invalid_argument',
      details: { field: 'value' },
    });
});

test('a list that is too long is refused before it costs anything', async () => {
  const names = Array.from({ length: 100_000 }, () => 'good');
  const calls = [
    ask(variables().getVariables.bind(variables()), { sessionId, variables: names }),
    ask(variables().updateVariables.bind(variables()), {
      ...noSource,
      sessionId,
      atomic: false,
      writes: names.map((variable) => ({ variable, value: undefined })),
    }),
  ];
  for (const call of calls) expect((await refusal(call)).error?.code).toBe('invalid_argument');
});

test('whatever bytes come to whatever method, there is an answer', async () => {
  const services = [SessionsService, VariablesService, WorkersService].flatMap((service) => Object.values(service));
  const paths = services.flatMap(({ path, requestStream }) => (requestStream ? [] : [path]));
  await fc.assert(
    fc.asyncProperty(fc.constantFrom(...paths), fc.uint8Array({ maxLength: 200 }), async (path, bytes) => {
      const status = await raw(path, Buffer.from(bytes)).catch(() => ({ grpc: 0 }));
      // Answered, refused by name, or, by luck, a request that finds nothing; never a failure of ours.
      expect([0, 3, 5, 6]).toContain(status.grpc);
    }),
    { numRuns: 500 },
  );
});
