/**
 * GetVariable through the gateway against a bare grpc-js echo of 56 bytes. Each server is a process of its own; both are
 * asked by the same kind of client, in turns, so that whatever else the machine does falls on both. Run with
 * `npm run bench -- gateway-get`.
 */

import { fork } from 'node:child_process';
import { once } from 'node:events';
import { fileURLToPath } from 'node:url';
import { Client, credentials, Server, ServerCredentials } from '@grpc/grpc-js';
import { startGateway } from '../../src/gateway/server.js';
import { GetVariableRequest, GetVariableResponse, VariablesService } from '../../src/gen/coilyard/v1/variables.js';
import { systemClock } from '../../src/kernel/clock.js';
import { hostSessions } from '../support/session-host.js';
import { row } from './measure.js';

const ECHO_PATH = '/bare.Echo/Echo';
const IN_FLIGHT = 64;
const ROUNDS = 7;
const same = (bytes: Buffer): Buffer => bytes;

async function serveEcho(): Promise<number> {
  const server = new Server({ 'grpc.enable_channelz': 0 });
  const method = {
    path: ECHO_PATH,
    requestStream: false,
    responseStream: false,
    requestSerialize: same,
    requestDeserialize: same,
    responseSerialize: same,
    responseDeserialize: same,
  };
  server.addService(
    { echo: method },
    { echo: (call: { request: Buffer }, answer: (e: null, b: Buffer) => void) => answer(null, call.request) },
  );
  return new Promise((resolve, reject) => {
    server.bindAsync('127.0.0.1:0', ServerCredentials.createInsecure(), (error, port) =>
      error === null ? resolve(port) : reject(error),
    );
  });
}

async function serveGateway(): Promise<number> {
  const { sessions, telemetry } = hostSessions({ clock: systemClock });
  const session = await sessions.start({ id: 'bench' });
  await session.register('temperature', 'float', 0.7, { constraints: { min: 0, max: 2 } });
  const workers = { accept: () => ({ receive: () => {}, closed: () => {} }) };
  const { port } = await startGateway({ sessions, workers, telemetry, clock: systemClock });
  return port;
}

interface Target {
  readonly ask: () => Promise<unknown>;
  /** Processor time that the server has used so far, in microseconds. */
  readonly cpuUs: () => Promise<number>;
  readonly close: () => void;
}

async function target(kind: 'echo' | 'gateway'): Promise<Target> {
  const child = fork(fileURLToPath(import.meta.url), [kind]);
  const [port] = await once(child, 'message');
  const client = new Client(`127.0.0.1:${port}`, credentials.createInsecure(), { 'grpc.enable_channelz': 0 });
  const close = (): void => {
    client.close();
    child.kill();
  };
  const cpuUs = async (): Promise<number> => {
    child.send('cpu');
    const [used] = await once(child, 'message');
    return Number(used);
  };
  if (kind === 'echo') {
    const bytes = Buffer.alloc(56, 1);
    return { ask: caller(client, ECHO_PATH, same, same, bytes), cpuUs, close };
  }
  const request: GetVariableRequest = { sessionId: 'bench', variable: 'temperature' };
  const serialize = (message: GetVariableRequest): Buffer => Buffer.from(GetVariableRequest.encode(message).finish());
  // The bytes are what a client gets; decoding them is the same work for any server.
  return { ask: caller(client, VariablesService.getVariable.path, serialize, same, request), cpuUs, close };
}

function caller<Request, Response>(
  client: Client,
  path: string,
  serialize: (request: Request) => Buffer,
  deserialize: (bytes: Buffer) => Response,
  request: Request,
): () => Promise<Response> {
  return () =>
    new Promise((resolve, reject) => {
      client.makeUnaryRequest(path, serialize, deserialize, request, (error, response) =>
        error === null && response !== undefined ? resolve(response) : reject(error),
      );
    });
}

interface Round {
  readonly rate: number;
  /** Of the server, for each call. */
  readonly cpuUs: number;
}

async function round({ ask, cpuUs }: Target, calls: number): Promise<Round> {
  const usedBefore = await cpuUs();
  const startedAtMs = performance.now();
  const lane = async (): Promise<void> => {
    for (let n = 0; n < calls / IN_FLIGHT; n += 1) await ask();
  };
  await Promise.all(Array.from({ length: IN_FLIGHT }, lane));
  const rate = (calls * 1000) / (performance.now() - startedAtMs);
  return { rate, cpuUs: ((await cpuUs()) - usedBefore) / calls };
}

async function oneByOne({ ask }: Target, calls: number): Promise<number[]> {
  const tookMs: number[] = [];
  for (let n = 0; n < calls; n += 1) {
    const startedAtMs = performance.now();
    await ask();
    tookMs.push(performance.now() - startedAtMs);
  }
  return tookMs;
}

const median = (numbers: number[]): number => numbers.sort((a, b) => a - b)[numbers.length >> 1] ?? Number.NaN;

async function measure(): Promise<void> {
  const [echo, gateway] = [await target('echo'), await target('gateway')];
  const answer = await gateway.ask();
  if (Buffer.isBuffer(answer))
    console.log(`a reply of ${answer.length} bytes, version ${GetVariableResponse.decode(answer).variable?.version}`);
  for (const each of [echo, gateway]) await round(each, 8000);
  const rounds: { echo: Round[]; gateway: Round[] } = { echo: [], gateway: [] };
  const times: { echo: number[]; gateway: number[] } = { echo: [], gateway: [] };
  for (let n = 0; n < ROUNDS; n += 1) {
    rounds.echo.push(await round(echo, 6400));
    rounds.gateway.push(await round(gateway, 6400));
    times.echo.push(...(await oneByOne(echo, 700)));
    times.gateway.push(...(await oneByOne(gateway, 700)));
  }
  const of = (kind: 'echo' | 'gateway', figure: keyof Round): number =>
    median(rounds[kind].map((each) => each[figure]));
  const baseline = { name: 'bare echo (to reach: 0.9)', rate: of('echo', 'rate') };
  row(`bare grpc-js echo, ${IN_FLIGHT} in flight`, baseline.rate);
  row(`GetVariable, ${IN_FLIGHT} in flight`, of('gateway', 'rate'), baseline);
  const [bareCpu, ourCpu] = [of('echo', 'cpuUs'), of('gateway', 'cpuUs')];
  console.log(
    `server's processor time for a call: echo ${bareCpu.toFixed(1)} us, GetVariable ${ourCpu.toFixed(1)} us, ratio ${(ourCpu / bareCpu).toFixed(3)}`,
  );
  const [bare, ours] = [median(times.echo), median(times.gateway)];
  console.log(
    `one by one, p50: echo ${bare.toFixed(3)} ms, GetVariable ${ours.toFixed(3)} ms, ratio ${(ours / bare).toFixed(3)} (at most: 1.15)`,
  );
  echo.close();
  gateway.close();
}

const kind = process.argv[2];
if (kind === 'echo' || kind === 'gateway') {
  const port = kind === 'echo' ? await serveEcho() : await serveGateway();
  process.send?.(port);
  process.on('message', () => {
    const { user, system } = process.cpuUsage();
    process.send?.(user + system);
  });
  process.on('disconnect', () => process.exit());
} else await measure();
