/**
 * Writers and watchers while session actors crash, connections are cut and the gateway itself restarts. Each try of a write goes
 * over the other carrier: a call of its own, or a frame on a stream of calls.
 */

import { credentials, Metadata } from '@grpc/grpc-js';
import { expect, test } from 'vitest';
import { CallsClient } from '../../src/gen/coilyard/v1/calls.js';
import { type Position, VariablesClient, VariablesService } from '../../src/gen/coilyard/v1/variables.js';
import { startGateway } from '../../src/gateway/server.js';
import { systemClock } from '../../src/kernel/clock.js';
import { CoilyardError } from '../../src/kernel/errors.js';
import { memoryStore } from '../../src/sessions/stores/memory.js';
import { decodeValue } from '../../src/wire/value.js';
import type { SetVariable } from '../../src/variables/commands.js';
import { CarriedCalls, carried } from '../support/carried-client.js';
import { CuttingProxy } from '../support/cutting-proxy.js';
import { ask, noSource, refusalOf, value } from '../support/gateway-host.js';
import { hostSessions } from '../support/session-host.js';
import { type Fate, ScriptedStore } from '../unit/sessions/scripted-store.js';

const CLIENTS = 8;
const WATCHERS = 4;
const WRITES = Number(process.env.COILYARD_CHAOS_WRITES ?? 4_000);
const CRASH_EVERY = 200;
const CUT_EVERY = 350;
const fates: readonly Fate[] = ['throws_before', 'throws_after', 'rejects_before', 'rejects_after', 'breaks_state'];

/** A command that makes deciding it throw, as a bug would. */
const bug: SetVariable = {
  type: 'variable.set',
  source: 'test',
  value: 1,
  get variable(): string {
    throw new Error('a bug');
  },
};

const nobody = { accept: () => ({ receive: () => {}, closed: () => {} }) };
const eager = {
  'grpc.use_local_subchannel_pool': 1,
  'grpc.initial_reconnect_backoff_ms': 20,
  'grpc.min_reconnect_backoff_ms': 20,
  'grpc.max_reconnect_backoff_ms': 100,
};
const connectTo = (address: string): VariablesClient =>
  new VariablesClient(address, credentials.createInsecure(), eager);

/** The same methods as calls of their own and as frames, each over a connection of its own. */
class Writer {
  readonly carriers: readonly { readonly name: 'call' | 'frame'; readonly client: VariablesClient }[];
  readonly #own: VariablesClient;
  readonly #calls: CallsClient;

  constructor(address: string) {
    this.#own = connectTo(address);
    this.#calls = new CallsClient(address, credentials.createInsecure(), eager);
    this.carriers = [
      { name: 'call', client: this.#own },
      { name: 'frame', client: carried(this.#own, VariablesService, new CarriedCalls(this.#calls)) },
    ];
  }

  close(): void {
    this.#own.close();
    this.#calls.close();
  }
}

interface Seen {
  readonly revision: bigint;
  readonly value: unknown;
}

/** Reads every update, and goes on behind the last position when its connection breaks. */
class Watch {
  readonly seen: Seen[] = [];
  readonly resets: string[] = [];
  breaks = 0;
  readonly #client: VariablesClient;
  #position: Position | undefined;
  #stream: { cancel(): void } | undefined;
  #isOver = false;

  constructor(client: VariablesClient) {
    this.#client = client;
  }

  /** Resolves with the first position. */
  start(): Promise<void> {
    return new Promise((resolve) => this.#open(resolve));
  }

  stop(): void {
    this.#isOver = true;
    this.#stream?.cancel();
    this.#client.close();
  }

  #open(ready: () => void): void {
    const stream = this.#client.watch(
      {
        sessionId: 'shared',
        variables: ['log'],
        pattern: '',
        includeInitial: false,
        includeSettings: false,
        coalesce: false,
        after: this.#position,
      },
      new Metadata({ waitForReady: true }),
    );
    this.#stream = stream;
    // What came without its position is sent again.
    let unconfirmed: Seen[] = [];
    stream.on('data', ({ updates, position }) => {
      for (const update of updates) {
        if (update.resetReason !== '') this.resets.push(update.resetReason);
        unconfirmed.push({ revision: update.revision, value: decodeValue(update.value, 'value').value });
      }
      if (position === undefined) return;
      this.seen.push(...unconfirmed);
      unconfirmed = [];
      this.#position = position;
      ready();
    });
    stream.on('error', () => {
      if (this.#isOver) return;
      this.breaks += 1;
      setTimeout(() => this.#open(ready), 10);
    });
  }
}

test('no acknowledged write is lost and none is applied twice, and every watcher sees each revision once', {
  timeout: 600_000,
}, async () => {
  const store = new ScriptedStore(memoryStore({ keptCommits: 3_000 }));
  const { sessions, telemetry } = hostSessions({ clock: systemClock, store });
  const session = await sessions.start({ id: 'shared' });
  await session.register('log', 'string', '');
  const first = session.revision;
  let crashes = 0;
  telemetry.on('session.crashed', () => {
    crashes += 1;
  });
  const gatewayOf = (port: number) => startGateway({ sessions, workers: nobody, telemetry, clock: systemClock, port });
  let gateway = await gatewayOf(0);
  const { port } = gateway;
  const proxies = await Promise.all(Array.from({ length: CLIENTS + WATCHERS }, () => CuttingProxy.start(() => port)));
  const writers = proxies.slice(0, CLIENTS).map(({ address }) => new Writer(address));
  const watches = proxies.slice(CLIENTS).map(({ address }) => new Watch(connectTo(address)));
  await Promise.all(watches.map((watch) => watch.start()));

  const acknowledged = new Map<string, bigint>();
  const answeredOver = { call: 0, frame: 0 };
  let retries = 0;
  let restarting: Promise<unknown> = Promise.resolve();

  const disturb = (count: number): void => {
    if (count % CRASH_EVERY === 0) {
      const fate = fates[(count / CRASH_EVERY) % (fates.length + 1)];
      if (fate === undefined) session.execute(bug).catch(() => {});
      else store.fates.push(fate);
    }
    if (count % CUT_EVERY === 0) proxies[(count / CUT_EVERY) % proxies.length]?.cut();
    if (count === Math.floor(WRITES / 2))
      restarting = gateway.stop({ timeoutMs: 50 }).then(async () => {
        gateway = await gatewayOf(port);
      });
  };

  const write = async ({ carriers }: Writer, text: string, first: number): Promise<bigint> => {
    for (let attempt = 0; attempt < 200; attempt += 1) {
      const carrier = carriers[(first + attempt) % carriers.length];
      if (carrier === undefined) throw new TypeError('a writer without carriers');
      const { name, client } = carrier;
      try {
        const request = { ...noSource, requestId: text, sessionId: 'shared', variable: 'log', value: value(text) };
        const { revision } = await ask(client.setVariable.bind(client), request, { timeoutMs: 10_000 });
        answeredOver[name] += 1;
        return revision;
      } catch (thrown) {
        const { grpc, error } = refusalOf(thrown);
        // The same request may be sent again whatever became of it; anything else would be a wrong answer.
        expect([1, 2, 4, 8, 13, 14], `${grpc} ${error}`).toContain(grpc);
        retries += 1;
        await new Promise((resolve) => setTimeout(resolve, 5));
      }
    }
    throw new CoilyardError('internal', `${text} was never acknowledged`);
  };

  const writing = async (writer: Writer, index: number): Promise<void> => {
    for (let n = 0; n < WRITES / CLIENTS; n += 1) {
      const text = `${index}:${n}`;
      acknowledged.set(text, await write(writer, text, n));
      disturb(acknowledged.size);
    }
  };
  await Promise.all(writers.map(writing));
  await restarting;
  const last = session.revision;
  await expect.poll(() => watches.map(({ seen }) => Number(seen.at(-1)?.revision))).toEqual(watches.map(() => last));

  expect(acknowledged.size).toBe(WRITES);
  // Every write has one revision of its own, and there are no others.
  expect(last - first).toBe(WRITES);
  expect(session.variable('log').version).toBe(WRITES);
  expect(new Set(acknowledged.values()).size).toBe(WRITES);
  for (const { seen, resets } of watches) {
    expect(resets).toEqual([]);
    expect(seen.map(({ revision }) => Number(revision))).toEqual(
      Array.from({ length: WRITES }, (_, n) => first + n + 1),
    );
    expect(new Map(seen.map((update) => [update.value, update.revision]))).toEqual(acknowledged);
  }
  // What was asked for has happened.
  expect(crashes).toBeGreaterThan(WRITES / CRASH_EVERY / 2);
  expect(retries).toBeGreaterThan(0);
  expect(Math.min(answeredOver.call, answeredOver.frame)).toBeGreaterThan(WRITES / 4);
  expect(watches.reduce((sum, { breaks }) => sum + breaks, 0)).toBeGreaterThanOrEqual(WATCHERS);

  for (const watch of watches) watch.stop();
  for (const writer of writers) writer.close();
  for (const proxy of proxies) proxy.close();
  await gateway.stop();
});
