import { once } from 'node:events';
import { readFile } from 'node:fs/promises';
import { connect, createServer } from 'node:net';
import { fileURLToPath } from 'node:url';
import { create, createFileRegistry, fromBinary } from '@bufbuild/protobuf';
import { type FileDescriptorProto, FileDescriptorProtoSchema, FileDescriptorSetSchema } from '@bufbuild/protobuf/wkt';
import {
  credentials,
  loadPackageDefinition,
  makeGenericClientConstructor,
  Metadata,
  type ServiceDefinition,
} from '@grpc/grpc-js';
import { loadFileDescriptorSetFromBuffer } from '@grpc/proto-loader';
import { service as healthService } from 'grpc-health-check';
import { afterEach, expect, test, vi } from 'vitest';
import { bearerAuthenticator } from '../../src/gateway/authenticator.js';
import type { GatewayOptions } from '../../src/gateway/server.js';
import type { WatchResponse } from '../../src/gen/coilyard/v1/variables.js';
import { workerId } from '../../src/kernel/ids.js';
import { WorkerGrant } from '../../src/workers/worker-grant.js';
import { ask, reader, refusal, startTestGateway, type TestGateway } from '../support/gateway-host.js';

const hosts: TestGateway[] = [];

async function start(options: Partial<GatewayOptions> = {}): Promise<TestGateway> {
  const host = await startTestGateway(options);
  hosts.push(host);
  return host;
}

afterEach(async () => {
  for (const host of hosts.splice(0)) await host.stop();
});

const list = (host: TestGateway, headers: Record<string, string> = {}) => {
  const { sessions } = host.clients;
  return ask(sessions.listSessions.bind(sessions), { pageSize: 0, pageToken: '' }, { headers });
};

const HealthClient = makeGenericClientConstructor(healthService as unknown as ServiceDefinition, 'Health');

function health(host: TestGateway, service: string, headers: Record<string, string> = {}): Promise<unknown> {
  const client = new HealthClient(host.gateway.address, credentials.createInsecure());
  const check = Reflect.get(client, 'Check').bind(client);
  return ask<{ service: string }, { status: string }>(check, { service }, { headers })
    .then(({ status }) => status)
    .finally(() => client.close());
}

test('a gateway listens on a free port of the loopback and says so', async () => {
  const { gateway } = await start();
  expect(gateway.host).toBe('127.0.0.1');
  expect(gateway.port).toBeGreaterThan(0);
  expect(gateway.address).toBe(`127.0.0.1:${gateway.port}`);
});

test('a gateway can listen on IPv6', async () => {
  const host = await start({ host: '::1' });
  expect(host.gateway.address).toBe(`[::1]:${host.gateway.port}`);
  expect((await list(host)).sessions).toEqual([]);
});

test('a port that is taken is a clear error, and nothing else is printed', async () => {
  const { gateway } = await start();
  const printed = vi.spyOn(console, 'error');
  const error = await startTestGateway({ port: gateway.port }).catch((thrown: unknown) => thrown);
  expect(error).toMatchObject({ code: 'invalid_argument', details: { field: 'gateway.port', port: gateway.port } });
  expect(String(error)).toContain(`cannot listen on ${gateway.address}`);
  expect(String(error)).toContain('in use');
  expect(printed).not.toHaveBeenCalled();
});

test('a host that others can reach is refused without credentials', async () => {
  for (const host of [
    '0.0.0.0',
    '::',
    '::ffff:127.0.0.1',
    '127.1',
    '127.0.0.999',
    '127.0.0.1.example.com',
    'example.com',
  ])
    await expect(startTestGateway({ host })).rejects.toMatchObject({
      code: 'invalid_argument',
      details: { field: 'gateway.host' },
    });
  await start({ host: '0.0.0.0', authenticator: bearerAuthenticator({ token: 'secret' }) });
});

test('with a token every call but health needs it', async () => {
  const authenticator = bearerAuthenticator({
    token: 'secret',
    workerOf: (token) =>
      token === 'of-a-worker' ? { workerId: workerId('worker-1'), grant: new WorkerGrant() } : undefined,
  });
  const host = await start({ authenticator });
  for (const headers of [{}, { authorization: 'Bearer wrong' }, { authorization: 'secret' }])
    expect(await refusal(list(host, headers))).toMatchObject({ grpc: 16, error: { code: 'unauthenticated' } });
  expect((await list(host, { authorization: 'Bearer secret' })).sessions).toEqual([]);
  expect((await list(host, { authorization: 'Bearer of-a-worker' })).sessions).toEqual([]);
  const watch = host.clients.variables.watch({
    sessionId: 'a',
    variables: [],
    pattern: '',
    includeInitial: false,
    includeSettings: false,
    coalesce: true,
  });
  expect(await reader<WatchResponse>(watch).ended).toMatchObject({ grpc: 16, error: { code: 'unauthenticated' } });
  expect(await health(host, '')).toBe('SERVING');
  await expect(reflect(host, [{ listServices: '*' }])).rejects.toMatchObject({ code: 16 });
});

const services = ['Sessions', 'Variables', 'Workers', 'Calls', 'Optimizations'];

test('health answers for the gateway and each service', async () => {
  const host = await start();
  for (const service of ['', ...services.map((name) => `coilyard.v1.${name}`)])
    expect(await health(host, service)).toBe('SERVING');
  await expect(health(host, 'coilyard.v1.Nothing')).rejects.toMatchObject({ code: 5 });
});

test('health turns to NOT_SERVING before the gateway stops', async () => {
  const host = await start();
  const client = new HealthClient(host.gateway.address, credentials.createInsecure());
  const stream = Reflect.get(client, 'Watch').call(client, { service: 'coilyard.v1.Variables' });
  const { next, ended } = reader<{ status: string }>(stream);
  expect((await next()).status).toBe('SERVING');
  const stopping = host.gateway.stop();
  expect((await next()).status).toBe('NOT_SERVING');
  expect(await ended).toMatchObject({ grpc: 14 });
  expect(await stopping).toEqual({ forced: false });
  client.close();
});

test('stopping finishes the calls in hand, and is the same stop when asked twice', async () => {
  const host = await start();
  const { sessions } = host.clients;
  const calls = Array.from({ length: 20 }, (_, n) =>
    ask(sessions.createSession.bind(sessions), {
      requestId: '',
      id: `s${n}`,
      metadata: new Map(),
      attachIfExists: false,
    }),
  );
  await calls[0];
  const stops = [host.gateway.stop(), host.gateway.stop()];
  expect(await Promise.all(stops)).toEqual([{ forced: false }, { forced: false }]);
  expect((await Promise.allSettled(calls)).filter(({ status }) => status === 'rejected')).toEqual([]);
});

test('a reader that never reads is cut off when the time to stop is over', async () => {
  const host = await start({ limits: { maxSendBytes: 64 * 1024 } });
  const session = await host.sessions.start({ id: 'stuck' });
  const text = 'x'.repeat(50_000);
  // A message each: far more of them than the client's own buffers take.
  await session.registerMany(
    Array.from({ length: 300 }, (_, n) => ({ name: `v${n}`, type: 'string', initialValue: text })),
  );
  const stream = host.clients.variables.watch({
    sessionId: 'stuck',
    variables: [],
    pattern: '',
    includeInitial: true,
    includeSettings: false,
    coalesce: true,
  });
  stream.on('error', () => {});
  await new Promise((resolve) => stream.once('data', resolve));
  stream.pause();
  await expect.poll(() => stream.readableLength).toBe(stream.readableHighWaterMark);
  expect(await host.gateway.stop({ timeoutMs: 50 })).toEqual({ forced: true });
});

test.each(['in the clear', 'encrypted'])('who connects %s and says nothing is left behind by no stop', async (how) => {
  const pem = (name: string) => readFile(new URL(`../support/tls/${name}.pem`, import.meta.url), 'utf8');
  const tls = how === 'encrypted' ? { cert: await pem('server'), key: await pem('server-key') } : undefined;
  const { gateway } = await start({ tls });
  const silent = connect(gateway.port, '127.0.0.1');
  silent.resume().on('error', () => {});
  const closed = once(silent, 'close');
  await once(silent, 'connect');
  // Answered: the connection before it was taken too.
  const other = connect(gateway.port, '127.0.0.1', () => other.end('not HTTP/2, and not TLS either\r\n\r\n'));
  other.on('error', () => {});
  await once(other.resume(), 'close');
  await gateway.stop({ timeoutMs: 100 });
  await closed;
});

test('two gateways do not know of each other', async () => {
  const [a, b] = [await start(), await start()];
  await a.sessions.start({ id: 'only-here' });
  expect((await list(a)).sessions.map(({ id }) => id)).toEqual(['only-here']);
  expect((await list(b)).sessions).toEqual([]);
});

interface Question {
  readonly listServices?: string;
  readonly fileContainingSymbol?: string;
  readonly fileByFilename?: string;
}
interface Answer {
  readonly listServicesResponse?: { readonly service: readonly { readonly name: string }[] };
  readonly fileDescriptorResponse?: { readonly fileDescriptorProto: readonly Buffer[] };
}

/** Asks as grpcurl does: knowing nothing but the reflection service. */
async function reflect(host: TestGateway, questions: readonly Question[], version = 'v1'): Promise<Answer[]> {
  const { loadSync } = await import('@grpc/proto-loader');
  const file = new URL(
    `../../node_modules/@grpc/reflection/build/proto/grpc/reflection/${version}/reflection.proto`,
    import.meta.url,
  );
  const contract = loadPackageDefinition(loadSync(fileURLToPath(file), { oneofs: true, bytes: Buffer }));
  const Reflection = Reflect.get(
    Reflect.get(Reflect.get(Reflect.get(contract, 'grpc'), 'reflection'), version),
    'ServerReflection',
  );
  const client = new Reflection(host.gateway.address, credentials.createInsecure());
  const stream = client.serverReflectionInfo(new Metadata());
  return new Promise<Answer[]>((resolve, reject) => {
    const answers: Answer[] = [];
    stream.on('data', (answer: Answer) => answers.push(answer));
    stream.on('error', reject);
    stream.on('end', () => resolve(answers));
    for (const question of questions) stream.write(question);
    stream.end();
  }).finally(() => client.close());
}

test.each(['v1', 'v1alpha'])('a client that knows nothing learns every service by reflection %s', async (version) => {
  const host = await start();
  const [services, files] = await reflect(
    host,
    [{ listServices: '*' }, { fileContainingSymbol: 'coilyard.v1.Variables' }],
    version,
  );
  expect(services?.listServicesResponse?.service.map(({ name }) => name).sort()).toEqual([
    'coilyard.v1.Calls',
    'coilyard.v1.Optimizations',
    'coilyard.v1.Sessions',
    'coilyard.v1.Variables',
    'coilyard.v1.Workers',
    'grpc.health.v1.Health',
    'grpc.reflection.v1.ServerReflection',
    'grpc.reflection.v1alpha.ServerReflection',
  ]);
  // A FileDescriptorSet with this file and those that it imports: field 1, length-delimited.
  const set = Buffer.concat(
    (files?.fileDescriptorResponse?.fileDescriptorProto ?? []).flatMap((file) => [
      Buffer.from([10]),
      varint(file.length),
      file,
    ]),
  );
  const described = loadPackageDefinition(loadFileDescriptorSetFromBuffer(set));
  const Variables = Reflect.get(Reflect.get(Reflect.get(described, 'coilyard'), 'v1'), 'Variables');
  const client = new Variables(host.gateway.address, credentials.createInsecure());
  const session = await host.sessions.start({ id: 'described' });
  await session.register('answer', 'integer', 42);
  // Names of fields as the contract spells them.
  const reply = await ask<object, { variable: { value: { integer: unknown } } }>(client.getVariable.bind(client), {
    session_id: 'described',
    variable: 'answer',
  });
  expect(String(reply.variable.value.integer)).toBe('42');
  client.close();
});

test('what reflection describes has the names of the contract and its comments', async () => {
  const host = await start();
  const known = services.map((name) => ({
    fileContainingSymbol: `coilyard.v1.${name}`,
  }));
  for (const answer of await reflect(host, [...known, { fileByFilename: 'coilyard/v1/value.proto' }])) {
    const [file] = (answer.fileDescriptorResponse?.fileDescriptorProto ?? []).map((bytes) =>
      fromBinary(FileDescriptorProtoSchema, bytes),
    );
    expect(file?.name).toMatch(/^coilyard\/v1\/[a-z]+\.proto$/);
    const comments = file?.sourceCodeInfo?.location.flatMap(
      ({ leadingComments }) => leadingComments.match(/.+/g) ?? [],
    );
    const text = await readFile(new URL(`../../proto/${file?.name}`, import.meta.url), 'utf8');
    // Every line that is a comment in the contract.
    const lines = text.match(/(?<=^ *\/\/).+$/gm) ?? [];
    expect(comments?.toSorted()).toEqual(lines.toSorted());
  }
});

test('what is described holds together for clients that look closely, as grpcurl does', async () => {
  const host = await start();
  const [listed] = await reflect(host, [{ listServices: '*' }]);
  const names = listed?.listServicesResponse?.service.map(({ name }) => name) ?? [];
  const files = new Map<string, FileDescriptorProto>();
  for (const answer of await reflect(
    host,
    names.map((fileContainingSymbol) => ({ fileContainingSymbol })),
  ))
    for (const bytes of answer.fileDescriptorResponse?.fileDescriptorProto ?? []) {
      const file = fromBinary(FileDescriptorProtoSchema, bytes);
      files.set(file.name, file);
    }
  // Every name that is referred to, and every file that is imported, is there: imported files come first.
  const ordered = new Set<FileDescriptorProto>();
  const add = (name: string): void => {
    const file = files.get(name);
    if (file === undefined || ordered.has(file)) return;
    for (const imported of file.dependency) add(imported);
    ordered.add(file);
  };
  for (const name of files.keys()) add(name);
  const registry = createFileRegistry(create(FileDescriptorSetSchema, { file: [...ordered] }));
  for (const name of names) expect(registry.getService(name)?.methods.length).toBeGreaterThan(0);
  // The entry of a map has the name that the field gives it.
  const entries = [...registry].flatMap((type) =>
    type.kind === 'message'
      ? type.proto.nestedType
          .filter(({ options }) => options?.mapEntry)
          .map(({ name }) => [name, type.fields.map(({ name: field }) => entryOf(field))] as const)
      : [],
  );
  expect(entries.length).toBeGreaterThan(10);
  for (const [name, possible] of entries) expect(possible).toContain(name);
});

/** `best_values` has entries of the type `BestValuesEntry`. */
const entryOf = (field: string): string =>
  `${field.replaceAll(/(?:^|_)([a-z])/g, (_all, letter: string) => letter.toUpperCase())}Entry`;

function varint(value: number): Buffer {
  const bytes: number[] = [];
  for (let rest = value; ; rest >>>= 7) {
    if (rest < 0x80) return Buffer.from([...bytes, rest]);
    bytes.push((rest & 0x7f) | 0x80);
  }
}

test('a port that something else holds is reported too', async () => {
  const other = createServer().listen(0, '127.0.0.1');
  await new Promise((resolve) => other.once('listening', resolve));
  const address = other.address();
  const port = typeof address === 'object' && address !== null ? address.port : 0;
  await expect(startTestGateway({ port })).rejects.toMatchObject({ details: { field: 'gateway.port', port } });
  other.close();
});
