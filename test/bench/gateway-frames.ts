/**
 * Calls as frames on one stream: GetVariable through `Calls.Carry` against a bare grpc-js stream that echoes 56 bytes, from a
 * grpc-js client; and from the Python SDK against a call of its own and against a bare stream. Servers are processes of
 * their own and take turns. Run with `npm run bench -- gateway-frames`.
 */

import { spawn } from 'node:child_process';
import { join } from 'node:path';
import { BinaryReader, BinaryWriter } from '@bufbuild/protobuf/wire';
import type { ClientDuplexStream } from '@grpc/grpc-js';
import { CalleeFrame, CallRequest, CallsService } from '../../src/gen/coilyard/v1/calls.js';
import { GetVariableRequest, GetVariableResponse, VariablesService } from '../../src/gen/coilyard/v1/variables.js';
import { keepCoresAwake, row } from './measure.js';
import { ECHO_BYTES, type ServerProcess, SESSION, STREAM_PATH, same, startServer, VARIABLE } from './servers.js';

const IN_FLIGHT = 64;
const SERVERS = 3;
const ROUNDS = 6;
const CALLS = 20_000;
const CALLS_ONE_BY_ONE = 2000;

/** One frame there and back. */
type Ask = () => Promise<unknown>;

function bareStream(server: ServerProcess): Ask {
  const stream: ClientDuplexStream<Buffer, Buffer> = server.client.makeBidiStreamRequest(STREAM_PATH, same, same);
  const waiting: ((bytes: Buffer) => void)[] = [];
  let next = 0;
  stream.on('error', () => {});
  stream.on('data', (bytes: Buffer) => waiting[next++]?.(bytes));
  const bytes = Buffer.alloc(ECHO_BYTES, 1);
  return () =>
    new Promise((resolve) => {
      waiting.push(resolve);
      stream.write(bytes);
    });
}

/** A `CarryRequest` with one request but for its id, for which there are always five bytes: varints may be longer than need be. */
function requestTemplate(): { readonly bytes: Buffer; readonly idAt: number } {
  const method = VariablesService.getVariable.path;
  const message = Buffer.from(GetVariableRequest.encode({ sessionId: SESSION, variable: VARIABLE }).finish());
  const rest = CallRequest.encode({ callId: 0, method, message, callingSession: '' }).finish();
  const request = Buffer.concat([Buffer.from([8, 0x80, 0x80, 0x80, 0x80, 0]), rest]);
  const frame = new BinaryWriter().uint32(10).bytes(request).finish();
  const bytes = Buffer.from(new BinaryWriter().uint32(10).bytes(frame).finish());
  return { bytes, idAt: bytes.byteLength - request.byteLength + 1 };
}

/** A client as light as the bare one: requests are copies, of replies it finds the ends and leaves the rest as bytes. */
function carriedGet(server: ServerProcess): Ask {
  const stream: ClientDuplexStream<Buffer, Buffer> = server.client.makeBidiStreamRequest(
    CallsService.carry.path,
    same,
    same,
  );
  const waiting: ((frame: Uint8Array) => void)[] = [];
  let next = 0;
  stream.on('error', () => {});
  stream.on('data', (bytes: Buffer) => {
    const reader = new BinaryReader(bytes);
    while (reader.pos < reader.len) {
      reader.uint32();
      waiting[next++]?.(reader.bytes());
    }
  });
  const template = requestTemplate();
  let lastId = 0;
  let asked: Buffer[] = [];
  return () =>
    new Promise((resolve) => {
      const bytes = Buffer.from(template.bytes);
      lastId += 1;
      for (let part = 0, id = lastId; part < 4; part += 1, id >>>= 7) bytes[template.idAt + part] = 0x80 | (id & 0x7f);
      // The gateway answers reads of one session in order.
      waiting.push(resolve);
      // What is asked in one turn goes in one message, as the SDK does it: lists of frames can be strung together.
      if (asked.push(bytes) === 1)
        queueMicrotask(() => {
          stream.write(asked.length === 1 ? bytes : Buffer.concat(asked));
          asked = [];
        });
    });
}

interface Round {
  readonly rate: number;
  readonly p50Ms: number;
}

async function round(ask: Ask): Promise<Round> {
  const startedAtMs = performance.now();
  const lane = async (): Promise<void> => {
    for (let n = 0; n < CALLS / IN_FLIGHT; n += 1) await ask();
  };
  await Promise.all(Array.from({ length: IN_FLIGHT }, lane));
  const rate = (CALLS * 1000) / (performance.now() - startedAtMs);
  const tookMs: number[] = [];
  for (let n = 0; n < CALLS_ONE_BY_ONE; n += 1) {
    const atMs = performance.now();
    await ask();
    tookMs.push(performance.now() - atMs);
  }
  return { rate, p50Ms: tookMs.sort((a, b) => a - b)[CALLS_ONE_BY_ONE >> 1] ?? Number.NaN };
}

const bestRate = (rounds: readonly Round[]): number => Math.max(...rounds.map(({ rate }) => rate));
const bestP50 = (rounds: readonly Round[]): number => Math.min(...rounds.map(({ p50Ms }) => p50Ms));

async function fromNode(): Promise<void> {
  const rounds: { readonly bare: Round[]; readonly gateway: Round[] } = { bare: [], gateway: [] };
  for (let n = 0; n < SERVERS; n += 1) {
    const [bare, gateway] = [await startServer('bare'), await startServer('gateway')];
    const [echo, get] = [bareStream(bare), carriedGet(gateway)];
    for (const ask of [echo, get, echo, get]) await round(ask);
    for (let each = 0; each < ROUNDS; each += 1) {
      rounds.bare.push(await round(echo));
      rounds.gateway.push(await round(get));
    }
    if (n === 0) await prove(get);
    for (const server of [bare, gateway]) server.close();
  }
  const baseline = { name: 'bare stream echo (to reach: 0.9)', rate: bestRate(rounds.bare) };
  row(`bare grpc-js stream echo, ${IN_FLIGHT} in flight`, baseline.rate);
  row(`GetVariable as frames, ${IN_FLIGHT} in flight`, bestRate(rounds.gateway), baseline);
  const [bare, ours] = [bestP50(rounds.bare), bestP50(rounds.gateway)];
  console.log(
    `one by one, p50: echo ${bare.toFixed(4)}, GetVariable ${ours.toFixed(4)} ms: ${(ours / bare).toFixed(3)} of bare stream echo (at most: 1.15)`,
  );
}

async function prove(get: Ask): Promise<void> {
  const { frame } = CalleeFrame.decode((await get()) as Uint8Array);
  const outcome = frame?.$case === 'reply' ? frame.value.outcome : undefined;
  if (outcome?.$case !== 'message') throw new Error('the gateway refused');
  const { variable } = GetVariableResponse.decode(outcome.value);
  console.log(`a reply has ${outcome.value.length} bytes: ${variable?.name} at version ${variable?.version}`);
}

async function fromPython(): Promise<void> {
  const [bare, gateway] = [await startServer('bare'), await startServer('gateway')];
  const program = join(process.cwd(), 'test', 'support', 'python', 'bench_frames.py');
  const python = process.env.COILYARD_PYTHON ?? join(process.cwd(), '.venv', 'bin', 'python');
  const args = [program, bare.address, gateway.address, SESSION, VARIABLE, STREAM_PATH];
  const child = spawn(python, args, { stdio: 'inherit' });
  const code = await new Promise((resolve) => child.once('exit', resolve));
  for (const server of [bare, gateway]) server.close();
  if (code !== 0) throw new Error(`${program} ended with ${code}`);
}

const letCoresSleep = keepCoresAwake();
await fromNode();
await fromPython();
letCoresSleep();
