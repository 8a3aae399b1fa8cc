/**
 * GetVariable through the gateway against a bare grpc-js echo of 56 bytes. Each server is a process of its own; both are
 * asked by the same kind of client, in turns, so that whatever else the machine does falls on both. Run with
 * `npm run bench -- gateway-get`.
 */

import type { Client } from '@grpc/grpc-js';
import { GetVariableRequest, GetVariableResponse, VariablesService } from '../../src/gen/coilyard/v1/variables.js';
import { row } from './measure.js';
import { ECHO_BYTES, ECHO_PATH, type ServerKind, SESSION, same, startServer, VARIABLE } from './servers.js';

const IN_FLIGHT = 64;
/** One process is luckier than the next with its code and its memory: a few of each are asked. */
const SERVERS = 3;
const ROUNDS = 8;
const CALLS = 3200;
const CALLS_ONE_BY_ONE = 300;

interface Target {
  readonly ask: () => Promise<unknown>;
  /** Processor time that the server has used so far, in microseconds. */
  readonly cpuUs: () => Promise<number>;
  readonly close: () => void;
}

async function target(kind: ServerKind): Promise<Target> {
  const { client, cpuUs, close } = await startServer(kind);
  if (kind === 'bare') return { ask: caller(client, ECHO_PATH, same, same, Buffer.alloc(ECHO_BYTES, 1)), cpuUs, close };
  const request: GetVariableRequest = { sessionId: SESSION, variable: VARIABLE };
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
  /** Of calls that were made one by one. */
  readonly p50Ms: number;
}

async function round(target: Target): Promise<Round> {
  const { ask, cpuUs } = target;
  const usedBefore = await cpuUs();
  const startedAtMs = performance.now();
  const lane = async (): Promise<void> => {
    for (let n = 0; n < CALLS / IN_FLIGHT; n += 1) await ask();
  };
  await Promise.all(Array.from({ length: IN_FLIGHT }, lane));
  const rate = (CALLS * 1000) / (performance.now() - startedAtMs);
  const used = ((await cpuUs()) - usedBefore) / CALLS;
  return { rate, cpuUs: used, p50Ms: median(await oneByOne(target, CALLS_ONE_BY_ONE)) };
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

/** The best round of each: what else the machine does can only make a round worse. */
const best = {
  rate: (rounds: readonly Round[]): number => Math.max(...rounds.map(({ rate }) => rate)),
  cpuUs: (rounds: readonly Round[]): number => Math.min(...rounds.map(({ cpuUs }) => cpuUs)),
  p50Ms: (rounds: readonly Round[]): number => Math.min(...rounds.map(({ p50Ms }) => p50Ms)),
};

async function measure(): Promise<void> {
  const rounds: { readonly echo: Round[]; readonly gateway: Round[] } = { echo: [], gateway: [] };
  for (let server = 0; server < SERVERS; server += 1) {
    const [echo, gateway] = [await target('bare'), await target('gateway')];
    for (const each of [echo, gateway, echo, gateway]) await round(each);
    for (let n = 0; n < ROUNDS; n += 1) {
      rounds.echo.push(await round(echo));
      rounds.gateway.push(await round(gateway));
    }
    const reply = await gateway.ask();
    if (server === 0 && Buffer.isBuffer(reply)) describe(reply);
    echo.close();
    gateway.close();
  }
  const baseline = { name: 'bare echo (to reach: 0.9)', rate: best.rate(rounds.echo) };
  row(`bare grpc-js echo, ${IN_FLIGHT} in flight`, baseline.rate);
  row(`GetVariable, ${IN_FLIGHT} in flight`, best.rate(rounds.gateway), baseline);
  tell('one by one, p50', 'ms', best.p50Ms, rounds, ' (at most: 1.15)');
  tell('the server for each call', 'us of processor time', best.cpuUs, rounds);
}

function describe(reply: Buffer): void {
  const { variable } = GetVariableResponse.decode(reply);
  console.log(`a reply has ${reply.length} bytes: ${variable?.name} at version ${variable?.version}`);
}

function tell(
  what: string,
  unit: string,
  of: (rounds: readonly Round[]) => number,
  rounds: { readonly echo: readonly Round[]; readonly gateway: readonly Round[] },
  wanted = '',
): void {
  const [bare, ours] = [of(rounds.echo), of(rounds.gateway)];
  const ratio = (ours / bare).toFixed(3);
  console.log(
    `${what}: echo ${bare.toFixed(3)}, GetVariable ${ours.toFixed(3)} ${unit}: ${ratio} of bare echo${wanted}`,
  );
}

await measure();
