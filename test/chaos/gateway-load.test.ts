import type { ClientReadableStream } from '@grpc/grpc-js';
import { afterEach, beforeEach, expect, test } from 'vitest';
import type { VariablesClient, WatchResponse } from '../../src/gen/coilyard/v1/variables.js';
import { CuttingProxy } from '../support/cutting-proxy.js';
import { ask, noSource, value } from '../support/gateway-host.js';
import { GatewayProcess } from '../support/gateway-process.js';

const MIB = 1024 * 1024;

let gateway: GatewayProcess;
let clients: VariablesClient[];

beforeEach(async () => {
  gateway = await GatewayProcess.start();
  clients = [];
});

afterEach(async () => {
  for (const client of clients) client.close();
  await gateway.stop();
});

function connect(address?: string): VariablesClient {
  const client = gateway.connect(address);
  clients.push(client);
  return client;
}

interface Watched {
  readonly stream: ClientReadableStream<WatchResponse>;
  /** The number before the space in the newest `text`. */
  newest: number;
  ended: boolean;
}

function watch(client: VariablesClient, coalesce = true): Promise<Watched> {
  const stream = client.watch({
    sessionId: 'shared',
    variables: ['text'],
    pattern: '',
    includeInitial: false,
    includeSettings: false,
    coalesce,
  });
  const watched: Watched = { stream, newest: 0, ended: false };
  stream.on('error', () => {
    watched.ended = true;
  });
  return new Promise((resolve) => {
    stream.on('data', ({ updates }: WatchResponse) => {
      const kind = updates.at(-1)?.value?.kind;
      if (kind?.$case === 'text') watched.newest = Number(kind.value.split(' ')[0]);
      resolve(watched);
    });
  });
}

const many = (count: number, on: (n: number) => VariablesClient, coalesce?: boolean): Promise<Watched[]> =>
  Promise.all(Array.from({ length: count }, (_, n) => watch(on(n), coalesce)));

test('a thousand watchers of one session all get the newest value, and cost what they did before the writes', async () => {
  const connections = Array.from({ length: 10 }, () => connect());
  const on = (n: number): VariablesClient => connections[n % 10] ?? connect();
  const empty = await gateway.memory();
  const watchers = await many(1000, on);
  const idle = await gateway.memory();
  expect(idle.openStreams).toBe(1000);
  await gateway.write(10, 1000);
  await expect.poll(() => watchers.filter(({ newest }) => newest !== 10).length).toBe(0);
  const after = await gateway.memory();

  for (const { stream } of watchers) stream.pause();
  // 6 MB for each of them, were they kept.
  await gateway.write(300, 20_000);
  const blocked = await gateway.memory();
  for (const { stream } of watchers) stream.cancel();
  await expect.poll(async () => (await gateway.memory()).openStreams).toBe(0);
  const gone = await gateway.memory();
  tell('1,000 watchers: held', { empty, idle, after, blocked, gone });
  expect(idle.held - empty.held).toBeLessThan(100 * MIB);
  expect(after.held - idle.held).toBeLessThan(80 * MIB);
  expect(blocked.held - idle.held).toBeLessThan(150 * MIB);
  // The end of a connection takes a few turns.
  await expect.poll(async () => (await gateway.memory()).held - empty.held).toBeLessThan(80 * MIB);
});

test('watchers that do not read, and those that have died without a word, do not delay a writer', async () => {
  const writer = connect();
  const proxy = await CuttingProxy.start(() => gateway.port);
  const [slow, dead] = [connect(), connect(proxy.address)];
  const alone: number[] = [];
  const beside: number[] = [];
  const ratio = (): number => Math.min(...beside) / Math.min(...alone);
  await timeOf(writer, 200);
  // Who else uses the machine slows a round down, and never makes one quick: writers that wait for watchers would do so in each.
  for (let round = 0; round < 3 || (round < 15 && ratio() >= 2.5); round += 1) {
    alone.push(await timeOf(writer, 250));
    const watchers = [...(await many(50, () => slow, false)), ...(await many(50, () => dead))];
    for (const { stream } of watchers) stream.pause();
    proxy.freeze();
    // Fills whatever buffers there are on the way to them.
    await gateway.write(60, 20_000);
    beside.push(await timeOf(writer, 250));
    for (const { stream } of watchers) stream.cancel();
    proxy.cut();
    await expect.poll(async () => (await gateway.memory()).openStreams).toBe(0);
  }
  proxy.close();
  tell('a write (ms, p50) beside 100 watchers that do not read', { alone, beside, ratio: ratio() });
  expect(ratio()).toBeLessThan(2.5);
});

/** The median of so many writes, one after another. */
async function timeOf(client: VariablesClient, writes: number): Promise<number> {
  const tookMs: number[] = [];
  for (let n = 0; n < writes; n += 1) {
    const startedAtMs = performance.now();
    await ask(client.setVariable.bind(client), {
      ...noSource,
      sessionId: 'shared',
      variable: 'number',
      value: value(n),
    });
    tookMs.push(performance.now() - startedAtMs);
  }
  return tookMs.sort((a, b) => a - b)[writes >> 1] ?? Number.NaN;
}

/** Figures, for whoever asks for them. */
function tell(what: string, figures: object): void {
  if (process.env.COILYARD_FIGURES !== undefined) console.log(what, JSON.stringify(figures));
}
