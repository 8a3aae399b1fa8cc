/**
 * Hostile messages, tens of thousands of them: random bytes, requests with some of their bytes changed, and bytes that are
 * no HTTP/2 at all. The gateway is a process of its own: it answers everything, serves on, and keeps nothing.
 */

import { connect } from 'node:net';
import { Metadata, status } from '@grpc/grpc-js';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { type CallerFrame, CallsService } from '../../src/gen/coilyard/v1/calls.js';
import { OptimizationsService } from '../../src/gen/coilyard/v1/optimizations.js';
import { SessionsService } from '../../src/gen/coilyard/v1/sessions.js';
import { type VariablesClient, VariablesService } from '../../src/gen/coilyard/v1/variables.js';
import { WorkersService } from '../../src/gen/coilyard/v1/workers.js';
import { ask, noSource, value, values } from '../support/gateway-host.js';
import { GatewayProcess } from '../support/gateway-process.js';

const FUZZ_MS = Number(process.env.COILYARD_FUZZ_MS ?? 8_000);
/** However slow the machine is, so much is sent. */
const LEAST = FUZZ_MS / 20;
const IN_FLIGHT = 64;
const MIB = 1024 * 1024;

const asItIs = (bytes: Buffer): Buffer => bytes;

/** The same numbers for the same seed, so that what is found can be found again. */
function randomFrom(seed: number): (below: number) => number {
  let state = seed >>> 0;
  return (below) => {
    state = (Math.imul(state, 1664525) + 1013904223) >>> 0;
    return Math.floor((state / 2 ** 32) * below);
  };
}

const named = { sessionId: 'shared', variable: 'text' };
const registration = {
  name: 'n',
  type: 'tensor',
  initialValue: value({ dtype: 'int8', shape: [2, 2], data: new Uint8Array(4) }),
  constraints: values({ shape: [2, 2], min: 0 }),
  metadata: values({ a: { b: [1, 'x', null, 2n ** 70n] } }),
  description: 'd',
  readOnly: false,
  dependencies: [],
  accessRules: [],
};

/** Sound requests to start from: every method, and every kind of value. */
const sound: (readonly [string, Buffer])[] = [
  [VariablesService.getVariable.path, VariablesService.getVariable.requestSerialize(named)],
  [
    VariablesService.setVariable.path,
    VariablesService.setVariable.requestSerialize({ ...noSource, ...named, value: value('a text') }),
  ],
  [
    VariablesService.setVariable.path,
    VariablesService.setVariable.requestSerialize({
      ...noSource,
      sessionId: 'shared',
      variable: 'number',
      value: value(2n ** 80n),
      metadata: values({ __proto__: 1, deep: [[[[{}]]]] }),
    }),
  ],
  [
    VariablesService.registerVariables.path,
    VariablesService.registerVariables.requestSerialize({
      ...noSource,
      sessionId: 'shared',
      variables: [registration],
    }),
  ],
  [
    VariablesService.importVariables.path,
    VariablesService.importVariables.requestSerialize({
      ...VariablesService.importVariables.requestDeserialize(Buffer.alloc(0)),
      sessionId: 'shared',
      data: Buffer.from('{"variables":[{"name":"text"}]}'),
    }),
  ],
  ...[SessionsService, VariablesService, WorkersService, OptimizationsService]
    .flatMap((service) => Object.values(service))
    .flatMap(({ path }): [string, Buffer][] =>
      // The id of the session is the first or the second field of every request, the variable comes next.
      path.endsWith('StopSession') || path.endsWith('CreateSession')
        ? []
        : [
            [path, Buffer.from('\x0a\x06shared\x12\x04text')],
            [path, Buffer.from('\x0a\x02id\x12\x06shared\x1a\x04text')],
          ],
    ),
];

/** Requests about the optimization that goes on. */
const aboutRun = (optimizationId: string): (readonly [string, Buffer])[] => {
  const { startOptimization: start, askTrial, tellTrial, renewOptimization: renew } = OptimizationsService;
  const { followOptimization: follow, getOptimizationHistory: history } = OptimizationsService;
  const about = { sessionId: 'shared', optimizationId, clientId: 'one', requestId: '' };
  return [
    [
      start.path,
      start.requestSerialize({
        ...start.requestDeserialize(Buffer.alloc(0)),
        sessionId: 'shared',
        variables: ['number'],
        optimizer: 'bayesian',
        config: values({ min: 0, max: 9, seed: 1, space: { number: { step: 2 } } }),
        leaseMs: 100n,
        maxIterations: 3,
      }),
    ],
    [askTrial.path, askTrial.requestSerialize({ ...about, values: values({ ratio: 0.5 }) })],
    [askTrial.path, askTrial.requestSerialize({ ...about, values: new Map() })],
    [
      tellTrial.path,
      tellTrial.requestSerialize({ ...about, number: 1n, metrics: new Map([['a', 1]]), score: 1, error: '' }),
    ],
    [renew.path, renew.requestSerialize(about)],
    [follow.path, follow.requestSerialize({ sessionId: 'shared', optimizationId, afterIteration: 0n })],
    [
      history.path,
      history.requestSerialize({ sessionId: 'shared', variable: 'ratio', limit: 9, sinceMs: 0n, optimizationId }),
    ],
  ];
};

/** Streams that go on until they are left. */
const endless: readonly string[] = [VariablesService.watch.path, OptimizationsService.followOptimization.path];

const hostile = [0x00, 0x7f, 0x80, 0xff, 0x0a, 0x0b, 0x12, 0x1a];

function mutate(bytes: Buffer, random: (below: number) => number): Buffer {
  const copy = Buffer.from(bytes);
  switch (random(5)) {
    case 0:
      return Buffer.from(Array.from({ length: random(300) }, () => random(256)));
    case 1:
      for (let n = 0; n <= random(4); n += 1) copy[random(copy.length)] = hostile[random(hostile.length)] ?? 0;
      return copy;
    case 2:
      return copy.subarray(0, random(copy.length));
    case 3: {
      const at = random(copy.length);
      const grown = Array.from({ length: random(40) }, () => random(256));
      return Buffer.concat([copy.subarray(0, at), Buffer.from(grown), copy.subarray(at)]);
    }
    default:
      // A message in a message in a message: deeper than anybody needs.
      return Buffer.concat(Array.from({ length: 1 + random(30) }, () => copy));
  }
}

/** A deadline would be a request that was never answered, INTERNAL a failure of ours. */
const failures = new Set([status.DEADLINE_EXCEEDED, status.INTERNAL, status.UNAVAILABLE, status.UNKNOWN]);
const failed: string[] = [];

let gateway: GatewayProcess;
let client: VariablesClient;

beforeAll(async () => {
  gateway = await GatewayProcess.start();
  client = gateway.connect();
  sound.push(...aboutRun(gateway.optimizationId));
});

afterAll(async () => {
  client.close();
  await gateway.stop();
});

/** The number of the status that it was answered with. A stream is left after its first message. */
function send(path: string, bytes: Buffer): Promise<number> {
  const deadline = { deadline: performance.timeOrigin + performance.now() + 120_000 };
  const call = client.makeServerStreamRequest(path, asItIs, asItIs, bytes, new Metadata(), deadline);
  return new Promise((resolve) => {
    call.once('data', () => {
      resolve(0);
      // Not the others: HTTP/2 ends a connection on which too many calls are cancelled.
      if (endless.includes(path)) call.cancel();
    });
    call.on('error', () => {});
    call.once('status', ({ code, details }) => {
      if (failures.has(code)) failed.push(`${path} ${status[code]} ${details} ${bytes.toString('base64')}`);
      resolve(code);
    });
  });
}

const servesOn = async (): Promise<void> => {
  const { variable } = await ask(
    client.getVariable.bind(client),
    { sessionId: 'shared', variable: 'number' },
    { timeoutMs: 120_000 },
  );
  expect(variable?.name).toBe('number');
};

test(`whatever comes is answered, for ${FUZZ_MS} ms, and nothing of it is kept`, {
  timeout: FUZZ_MS * 4 + 300_000,
}, async () => {
  const random = randomFrom(20_261_120);
  const answers = new Map<number, number>();
  let sent = 0;
  const lane = async (untilMs: number): Promise<void> => {
    while (performance.now() < untilMs || sent < LEAST) {
      const [path, bytes] = sound[random(sound.length)] ?? ['', Buffer.alloc(0)];
      const code = await send(path, mutate(bytes, random));
      answers.set(code, (answers.get(code) ?? 0) + 1);
      sent += 1;
    }
  };
  const lanes = (ms: number) => Promise.all(Array.from({ length: IN_FLIGHT }, () => lane(performance.now() + ms)));
  // Code that is compiled and pools that are filled are no leak.
  await lanes(FUZZ_MS / 4);
  const before = await gateway.memory();
  await lanes((FUZZ_MS * 3) / 4);
  await expect.poll(async () => (await gateway.memory()).openStreams).toBe(0);
  const after = await gateway.memory();
  if (process.env.COILYARD_FIGURES !== undefined) console.log({ sent, answers: [...answers], before, after });
  await servesOn();
  expect(failed).toEqual([]);
  await expect.poll(async () => (await gateway.memory()).held - before.held).toBeLessThan(24 * MIB);
});

test('streams of calls are answered or ended whatever their frames say, and nothing of them is kept', {
  timeout: FUZZ_MS * 4 + 300_000,
}, async () => {
  const random = randomFrom(20_261_121);
  const { carry } = CallsService;
  const anId = () => random(3);
  const aFrame = (): CallerFrame['frame'] => {
    const callId = anId();
    const [method, bytes] = sound[random(sound.length)] ?? ['', Buffer.alloc(0)];
    switch (random(4)) {
      case 0:
        return { $case: 'cancel', value: { callId } };
      case 1:
        return { $case: 'piece', value: { callId, data: mutate(bytes, random), last: random(2) === 0 } };
      default: {
        const timeoutMs = random(3) === 0 ? random(50) : undefined;
        return {
          $case: 'request',
          value: { callId: random(1000), method, message: mutate(bytes, random), timeoutMs, callingSession: '' },
        };
      }
    }
  };
  let sent = 0;
  const oneStream = (): Promise<number> =>
    new Promise((resolve) => {
      const call = client.makeBidiStreamRequest(carry.path, asItIs, asItIs);
      call.on('data', () => {});
      call.on('error', () => {});
      call.once('status', ({ code }) => resolve(code));
      for (let n = 0; n < 20; n += 1) {
        const frames = Array.from({ length: random(5) }, () => ({ frame: aFrame() }));
        const message = carry.requestSerialize({ frames });
        sent += frames.length;
        call.write(random(30) === 0 ? mutate(message, random) : message);
      }
      call.end();
    });
  const lane = async (untilMs: number): Promise<void> => {
    while (performance.now() < untilMs || sent < LEAST) {
      const code = await oneStream();
      if (failures.has(code)) failed.push(`${carry.path} ${status[code]}`);
    }
  };
  const lanes = (ms: number) => Promise.all(Array.from({ length: 8 }, () => lane(performance.now() + ms)));
  await lanes(FUZZ_MS / 4);
  const before = await gateway.memory();
  await lanes(FUZZ_MS / 2);
  await expect.poll(async () => (await gateway.memory()).openStreams).toBe(0);
  const after = await gateway.memory();
  if (process.env.COILYARD_FIGURES !== undefined) console.log({ sent, before, after });
  await servesOn();
  expect(failed).toEqual([]);
  await expect.poll(async () => (await gateway.memory()).held - before.held).toBeLessThan(24 * MIB);
});

test('bytes that are no HTTP/2, and frames that break its rules, end their own connection and no other', async () => {
  const random = randomFrom(7);
  const preface = Buffer.from('PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n');
  const knock = (bytes: Buffer): Promise<void> =>
    new Promise((resolve) => {
      const socket = connect(gateway.port, '127.0.0.1');
      socket.on('error', () => {});
      socket.once('close', () => resolve());
      socket.resume().write(bytes, () => setTimeout(() => socket.destroy(), 20));
    });
  for (let n = 0; n < 300; n += 20)
    await Promise.all(
      Array.from({ length: 20 }, () => {
        const noise = Buffer.from(Array.from({ length: random(400) }, () => random(256)));
        const settings = Buffer.from([0, 0, 0, 4, 0, 0, 0, 0, 0]);
        return knock(
          [noise, Buffer.concat([preface, noise]), Buffer.concat([preface, settings, noise])][random(3)] ?? noise,
        );
      }),
    );
  expect(gateway.alive).toBe(true);
  await servesOn();
});
