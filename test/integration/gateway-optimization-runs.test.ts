/** A runtime, and plain gRPC clients that optimize its variables. */

import { type ClientOptions, credentials, Metadata } from '@grpc/grpc-js';
import { afterEach, expect, test } from 'vitest';
import {
  type AskTrialResponse,
  type FollowOptimizationResponse,
  GetOptimizationHistoryRequest,
  OptimizationsClient,
  OptimizationsService,
  type OptimizationTrial,
  StartOptimizationRequest,
  StopOptimizationRequest,
  TellTrialRequest,
} from '../../src/gen/coilyard/v1/optimizations.js';
import type { Clock } from '../../src/kernel/clock.js';
import { type Runtime, startRuntime } from '../../src/runtime.js';
import type { Session } from '../../src/sessions/session.js';
import { ManualClock } from '../../src/testing/manual-clock.js';
import { decodeValue } from '../../src/wire/value.js';
import { LeapingClock } from '../support/leaping-clock.js';
import { ask, type AskOptions, reader, refusal, values } from '../support/gateway-host.js';

const stops: (() => Promise<unknown>)[] = [];

afterEach(async () => {
  for (const stop of stops.splice(0).reverse()) await stop();
});

interface Host {
  readonly runtime: Runtime;
  readonly session: Session;
  /** A client with a connection of its own. */
  open(headers?: AskOptions['headers']): Client;
}

const principals = [
  { token: 'token-of-a', name: 'team-a', sessions: ['a-*'] },
  { token: 'token-of-b', name: 'team-b', sessions: ['b-*'] },
  { token: 'token-of-writer', name: 'writer', scopes: ['read', 'write'] },
] as const;

async function start({
  guarded = false,
  clock,
}: {
  readonly guarded?: boolean;
  readonly clock?: Clock;
} = {}): Promise<Host> {
  const runtime = await startRuntime({
    python: false,
    gateway: guarded ? { principals } : {},
    ...(clock === undefined ? {} : { clock }),
  });
  stops.push(() => runtime.stop());
  const session = await runtime.sessions.start({ id: 'a-1' });
  await session.register('temperature', 'float', 0.5, { constraints: { min: 0, max: 2 } });
  const { address } = await runtime.gateway.start();
  const own: Partial<ClientOptions> = { 'grpc.use_local_subchannel_pool': 1 };
  return {
    runtime,
    session,
    open: (headers) => {
      const stub = new OptimizationsClient(address, credentials.createInsecure(), own);
      stops.push(async () => stub.close());
      return new Client(stub, session.id, headers);
    },
  };
}

const nothing = new Uint8Array();

/** What a program without our SDK would write. */
class Client {
  readonly stub: OptimizationsClient;
  readonly #sessionId: string;
  readonly #options: AskOptions;

  constructor(stub: OptimizationsClient, sessionId: string, headers: AskOptions['headers'] = {}) {
    this.stub = stub;
    this.#sessionId = sessionId;
    this.#options = { headers };
  }

  async start(request: Partial<StartOptimizationRequest> = {}): Promise<string> {
    const { stub } = this;
    const empty = StartOptimizationRequest.decode(nothing);
    const about = { sessionId: this.#sessionId, variables: ['temperature'], optimizer: 'bayesian' };
    const reply = await ask(stub.startOptimization.bind(stub), { ...empty, ...about, ...request }, this.#options);
    return reply.status?.optimizationId ?? '';
  }

  ask(optimizationId: string, clientId = 'c', timeoutMs?: number): Promise<AskTrialResponse> {
    const { stub } = this;
    const request = { sessionId: this.#sessionId, optimizationId, clientId, values: new Map(), requestId: '' };
    const options = timeoutMs === undefined ? this.#options : { ...this.#options, timeoutMs };
    return ask(stub.askTrial.bind(stub), request, options);
  }

  tell(optimizationId: string, number: bigint, told: Partial<TellTrialRequest>) {
    const { stub } = this;
    const empty = TellTrialRequest.decode(nothing);
    const about = { sessionId: this.#sessionId, optimizationId, clientId: 'c', number };
    return ask(stub.tellTrial.bind(stub), { ...empty, ...about, ...told }, this.#options);
  }

  stop(request: Partial<StopOptimizationRequest> = {}) {
    const { stub } = this;
    const empty = StopOptimizationRequest.decode(nothing);
    const about = { sessionId: this.#sessionId, variable: 'temperature' };
    return ask(stub.stopOptimization.bind(stub), { ...empty, ...about, ...request }, this.#options);
  }

  renew(optimizationId: string) {
    const { stub } = this;
    const request = { sessionId: this.#sessionId, optimizationId, clientId: 'c' };
    return ask(stub.renewOptimization.bind(stub), request, this.#options);
  }

  status(variable = 'temperature') {
    const { stub } = this;
    return ask(stub.getOptimizationStatus.bind(stub), { sessionId: this.#sessionId, variable }, this.#options);
  }

  history(request: Partial<GetOptimizationHistoryRequest> = {}) {
    const { stub } = this;
    const empty = GetOptimizationHistoryRequest.decode(nothing);
    const about = { sessionId: this.#sessionId, variable: 'temperature' };
    return ask(stub.getOptimizationHistory.bind(stub), { ...empty, ...about, ...request }, this.#options);
  }

  follow(optimizationId: string, afterIteration = 0n) {
    const metadata = new Metadata();
    for (const [name, text] of Object.entries(this.#options.headers ?? {})) metadata.set(name, text);
    const request = { sessionId: this.#sessionId, optimizationId, afterIteration };
    return reader<FollowOptimizationResponse>(this.stub.followOptimization(request, metadata));
  }

  /** Asks, measures and tells until the run is over. @returns how many trials it had. */
  async work(optimizationId: string, clientId: string): Promise<number> {
    for (let had = 0; ; ) {
      const { trial, ended } = await this.ask(optimizationId, clientId);
      if (ended !== undefined) return had;
      if (trial === undefined) continue;
      had += 1;
      const score = measure(temperatureOf(trial));
      await this.tell(optimizationId, trial.number, { clientId, metrics: new Map([['accuracy', score]]) });
    }
  }
}

const temperatureOf = (trial: Pick<OptimizationTrial, 'values'> | undefined): number =>
  Number(decodeValue(trial?.values.get('temperature'), 'temperature').value);

/** Best at 1.2. */
const measure = (temperature: number): number => 1 - (temperature - 1.2) ** 2;

/** Every trial of a stream, and its end. */
async function followed({ next }: ReturnType<Client['follow']>) {
  const trials: OptimizationTrial[] = [];
  for (;;) {
    const message = await next();
    trials.push(...message.trials);
    if (message.ended !== undefined) return { trials, ended: message.ended };
  }
}

test('a client that speaks gRPC optimizes a variable, another follows it, and the best value is committed', async () => {
  const { session, open } = await start();
  const [client, other] = [open(), open()];
  const id = await client.start({ config: values({ seed: 1 }), maxIterations: 15, metric: 'accuracy' });
  const stream = other.follow(id);
  const following = followed(stream);
  expect(await client.work(id, 'c')).toBe(15);

  const { trials, ended } = await following;
  expect(await stream.ended).toBe('ok');
  expect(trials.map(({ iteration }) => iteration)).toEqual(Array.from({ length: 15 }, (_, n) => BigInt(n + 1)));
  // The present value is tried first.
  expect(temperatureOf(trials[0])).toBe(0.5);
  for (const trial of trials) expect(trial.score).toBe(measure(temperatureOf(trial)));
  expect(ended).toMatchObject({ isOptimizing: false, reason: 'max_iterations', iteration: 15n });

  const { status } = await other.status();
  expect(status).toEqual(ended);
  expect(status?.bestScore).toBe(Math.max(...trials.map(({ score = -Infinity }) => score)));
  expect(status?.committed).toEqual(new Map([['temperature', 1n]]));
  expect(session.get('temperature')).toBe(temperatureOf({ values: status?.bestValues ?? new Map() }));
  expect((await other.history()).trials).toEqual(trials);
  expect((await other.history({ limit: 2 })).trials).toEqual(trials.slice(-2));
});

test('a run is stopped by whoever may, commits the best there is, and every client is told', async () => {
  const { session, open } = await start();
  const [client, other] = [open(), open()];
  const id = await client.start({ requestId: 'once' });
  expect(await other.start({ requestId: 'once' })).toBe(id);
  expect((await refusal(other.start())).error).toMatchObject({ code: 'already_optimizing' });
  const { trial } = await client.ask(id);
  const { trial: told, status } = await client.tell(id, trial?.number ?? 0n, { score: 0.25 });
  expect([told?.iteration, told?.score, status?.iteration]).toEqual([1n, 0.25, 1n]);
  // The reply was lost: the same is told again.
  expect((await client.tell(id, trial?.number ?? 0n, { score: 0.25 })).trial).toEqual(told);

  const following = followed(other.follow(id));
  expect((await refusal(other.stop({ optimizationId: 'opt_other' }))).grpc).toBe(10);
  const stopped = await other.stop({ optimizationId: id });
  expect(stopped.status).toMatchObject({
    reason: 'stopped',
    bestScore: 0.25,
    committed: new Map([['temperature', 1n]]),
  });
  expect(session.variable('temperature')).toMatchObject({ version: 1, source: 'optimizer' });
  expect((await following).ended).toEqual(stopped.status);
  expect((await client.ask(id)).ended).toEqual(stopped.status);
  expect((await refusal(other.stop())).error).toMatchObject({ code: 'not_optimizing' });
  // Who comes late gets what was, and its end.
  expect(await followed(other.follow(id, 1n))).toEqual({ trials: [], ended: stopped.status });
});

test('two clients pull from one run, and each trial is tried once', async () => {
  const { open } = await start();
  const [one, two] = [open(), open()];
  const id = await one.start({ optimizer: 'random_search', maxIterations: 40, parallel: 2, convergenceThreshold: 0 });
  // Both are connected before either begins.
  await two.status();
  const had = await Promise.all([one.work(id, 'one'), two.work(id, 'two')]);
  expect(had[0] + had[1]).toBe(40);
  expect(Math.min(...had)).toBeGreaterThan(0);
  const { trials } = await one.history();
  expect(new Set(trials.map(({ iteration }) => iteration)).size).toBe(40);
});

test('an ask for which there is nothing is answered in time, and the next one gets what comes', async () => {
  const clock = new LeapingClock();
  const { open } = await start({ clock });
  const client = open();
  const id = await client.start({ leaseMs: 3_600_000n });
  const { trial } = await client.ask(id, 'one');
  const late = client.ask(id, 'two', 300_000);
  const answered = late.then(() => true);
  // Until the call has come, a clock that is put forward passes it by.
  do clock.leap(30_000);
  while (!(await Promise.race([answered, client.status().then(() => false)])));
  const { trial: none, ended } = await late;
  expect([none, ended]).toEqual([undefined, undefined]);
  const waiting = client.ask(id, 'two', 300_000);
  await client.tell(id, trial?.number ?? 0n, { clientId: 'one', score: 1 });
  expect((await waiting).trial?.number).toBe(2n);
});

test('a trial that failed, or was measured as no number, is one that never wins', async () => {
  const { open } = await start();
  const client = open();
  const id = await client.start({ maxIterations: 3 });
  for (const told of [{ error: 'out of memory' }, { score: Number.NaN }, { score: -5 }]) {
    const { trial } = await client.ask(id);
    await client.tell(id, trial?.number ?? 0n, told);
  }
  const { trials } = await client.history();
  expect(trials.map(({ state, error, score }) => [state, error, score])).toEqual([
    ['failed', 'out of memory', undefined],
    ['failed', 'the score is NaN', undefined],
    ['complete', '', -5],
  ]);
  expect((await client.status()).status?.bestScore).toBe(-5);
});

test('a run of which no client is heard any more ends with its lease, and says so to who follows', async () => {
  const clock = new ManualClock();
  const { session, open } = await start({ clock });
  const client = open();
  const id = await client.start({ leaseMs: 1000n });
  const following = followed(client.follow(id));
  await client.ask(id);
  await clock.advance(900);
  expect((await client.renew(id)).status).toMatchObject({ isOptimizing: true, leaseMs: 1000n });
  await clock.advance(900);
  expect((await client.status()).status?.isOptimizing).toBe(true);
  await clock.advance(200);
  expect((await following).ended).toMatchObject({ isOptimizing: false, reason: 'lease_expired', iteration: 0n });
  expect(session.variable('temperature').version).toBe(0);
  expect(await client.start()).not.toBe(id);
});

test('who waits and who follows is told when the session is stopped', async () => {
  const { session, open } = await start();
  const client = open();
  const id = await client.start();
  const stream = client.follow(id);
  await client.ask(id, 'one');
  const waiting = refusal(client.ask(id, 'two', 30_000));
  await expect.poll(() => client.renew(id).then(({ status }) => status?.isOptimizing)).toBe(true);
  await session.stop();
  expect(await stream.ended).toMatchObject({ grpc: 5, error: { code: 'session_not_found' } });
  expect(await waiting).toMatchObject({ grpc: 5, error: { code: 'session_not_found' } });
});

test('who waits and who follows is told when the runtime is stopped, and holds up nothing', async () => {
  const { runtime, open } = await start();
  const client = open();
  const id = await client.start();
  const stream = client.follow(id);
  await client.ask(id, 'one');
  const waiting = refusal(client.ask(id, 'two', 30_000));
  await client.renew(id);
  await runtime.stop();
  expect(await stream.ended).toMatchObject({ grpc: 14, error: { code: 'store_unavailable' } });
  expect(await waiting).toMatchObject({ grpc: 14 });
});

const grant = (sessionPattern: string, ...permissions: ('read' | 'write' | 'optimize' | 'observe')[]) => ({
  sessionPattern,
  permissions,
});
const own = grant('a-*', 'read', 'write', 'optimize', 'observe');
const asA = { authorization: 'Bearer token-of-a' };
const asGuest = { authorization: 'Bearer token-of-b', 'coilyard-session': 'b-1' };
const refusedToGuest = { grpc: 7, error: { message: 'team-b may not use session "a-1"' } };

test('a guest with the right to optimize runs an optimization as any other client does', async () => {
  const { session, open } = await start({ guarded: true });
  const guest = open(asGuest);
  expect(await refusal(guest.start())).toMatchObject(refusedToGuest);
  await session.setPermissions('temperature', [own, grant('b-*', 'read', 'optimize')]);
  const id = await guest.start({ maxIterations: 5, metric: 'accuracy' });
  const following = followed(guest.follow(id));
  expect(await guest.work(id, 'c')).toBe(5);
  const { ended } = await following;
  expect(ended).toMatchObject({ reason: 'max_iterations', committed: new Map([['temperature', 1n]]) });
  expect((await guest.history()).trials).toHaveLength(5);
  expect((await guest.status()).status).toEqual(ended);
});

test('a tool is the objective of nobody who may not call tools for the session', async () => {
  const { session, open, runtime } = await start({ guarded: true });
  const refused: unknown[] = [];
  runtime.events.on('gateway.refused', (fields) => refused.push(fields));
  await session.setPermissions('temperature', [own, grant('b-*', 'read', 'write', 'optimize')]);
  const withoutScope = await refusal(
    open({ authorization: 'Bearer token-of-writer' }).start({ objective: 'accuracy' }),
  );
  expect(withoutScope).toMatchObject({ grpc: 7, error: { message: 'writer does not have the scope call' } });
  expect(await refusal(open(asGuest).start({ objective: 'accuracy' }))).toMatchObject(refusedToGuest);
  expect(session.optimization('temperature')).toBeUndefined();
  const method = OptimizationsService.startOptimization.path;
  expect(refused).toEqual(['writer', 'team-b'].map((principal) => ({ method, code: 'permission_denied', principal })));
});

test('what a guest may not optimize, what is not there and what is no run are refused in the same words', async () => {
  const { session, open } = await start({ guarded: true });
  await session.register('secret', 'float', 0.5, { constraints: { min: 0, max: 1 } });
  await session.setPermissions('temperature', [own, grant('b-*', 'read')]);
  const [owner, guest] = [open(asA), open(asGuest)];
  const hidden = await owner.start({ variables: ['secret'] });
  const seen = await owner.start();
  const refused = [
    () => guest.start({ variables: ['missing'] }),
    () => guest.start({ variables: ['secret'] }),
    () => guest.stop(),
    () => guest.stop({ variable: 'secret' }),
    () => guest.stop({ variable: 'missing' }),
    () => guest.status('secret'),
    () => guest.status('missing'),
    () => guest.history({ variable: 'secret' }),
    () => guest.history({ variable: 'missing' }),
    ...[hidden, seen, 'opt_none'].flatMap((id) => [
      () => guest.ask(id),
      () => guest.tell(id, 1n, { score: 1 }),
      () => guest.renew(id),
    ]),
  ];
  for (const call of refused) expect(await refusal(call()), String(call)).toMatchObject(refusedToGuest);
  for (const id of [hidden, 'opt_none']) expect(await guest.follow(id).ended).toMatchObject(refusedToGuest);
  expect((await guest.status()).status?.optimizationId).toBe(seen);
});

test('of a run over several variables a guest is told nothing of those that are hidden from it', async () => {
  const { session, open } = await start({ guarded: true });
  await session.register('secret', 'float', 0.5, { constraints: { min: 0, max: 1 } });
  await session.setPermissions('temperature', [own, grant('b-*', 'read')]);
  const [owner, guest] = [open(asA), open(asGuest)];
  const id = await owner.start({ variables: ['temperature', 'secret'], maxIterations: 1 });
  const following = followed(guest.follow(id));
  const { trial } = await owner.ask(id);
  await session.set('secret', 0.75);
  await owner.tell(id, trial?.number ?? 0n, { score: 1 });
  const { trials, ended } = await following;
  const { status } = await guest.status();
  const said = JSON.stringify([trials, ended, status, (await guest.history()).trials], (_key, part: unknown) =>
    part instanceof Map ? [...part] : typeof part === 'bigint' ? String(part) : part,
  );
  expect(said).not.toContain('secret');
  expect(ended.variables).toEqual(['temperature']);
  expect((await owner.status()).status).toMatchObject({ variables: ['temperature', 'secret'], conflicts: ['secret'] });
});
