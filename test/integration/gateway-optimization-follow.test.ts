/** `FollowOptimization`: a run as a stream, with a scripted port behind it. */

import { Metadata } from '@grpc/grpc-js';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { bearerAuthenticator } from '../../src/gateway/authenticator.js';
import { OptimizationsService, type FollowOptimizationResponse } from '../../src/gen/coilyard/v1/optimizations.js';
import { CoilyardError } from '../../src/kernel/errors.js';
import { sessionId, workerId } from '../../src/kernel/ids.js';
import type { RuntimeEvents } from '../../src/kernel/telemetry.js';
import { WorkerGrant } from '../../src/workers/worker-grant.js';
import { reader, startTestGateway, type TestGateway } from '../support/gateway-host.js';
import { aStatus, aTrial, ScriptedOptimizers, ScriptedReader } from '../support/scripted-optimizers.js';

const principals = [
  { token: 'token-of-a', name: 'team-a', sessions: ['a-*'] },
  { token: 'token-of-b', name: 'team-b', sessions: ['b-*'] },
  { token: 'token-of-writer', name: 'writer', scopes: ['write'] as const },
];

let grant: WorkerGrant;
let host: TestGateway;
let optimizers: ScriptedOptimizers;
let run: ScriptedReader;
let refused: RuntimeEvents['gateway.refused'][];

beforeEach(async () => {
  grant = new WorkerGrant();
  const workerOf = (token: string) =>
    token === 'token-of-worker' ? { workerId: workerId('default-0'), grant } : undefined;
  optimizers = new ScriptedOptimizers();
  host = await startTestGateway({
    optimizers,
    authenticator: bearerAuthenticator({ principals, workerOf }),
    limits: { maxStreamsPerPrincipal: 2 },
  });
  refused = [];
  host.telemetry.on('gateway.refused', (fields) => refused.push(fields));
  run = new ScriptedReader();
  optimizers.script.follow = () => run;
  const session = await host.sessions.start({ id: 'a-1' });
  await session.register('temperature', 'float', 0);
});

afterEach(() => host.stop());

interface Following {
  readonly who?: string;
  readonly caller?: string;
  readonly session?: string;
  readonly id?: string;
  readonly after?: bigint;
}

function follow({ who = 'a', caller, session = 'a-1', id = 'run-1', after = 0n }: Following = {}) {
  const metadata = new Metadata();
  metadata.set('authorization', `Bearer token-of-${who}`);
  if (caller !== undefined) metadata.set('coilyard-session', caller);
  const request = { sessionId: session, optimizationId: id, afterIteration: after };
  const stream = host.clients.optimizations.followOptimization(request, metadata);
  return { stream, ...reader<FollowOptimizationResponse>(stream) };
}

const iterations = ({ trials }: FollowOptimizationResponse): number[] =>
  trials.map(({ iteration }) => Number(iteration));
const ended = aStatus({ isOptimizing: false, reason: 'max_iterations', iteration: 3 });

test('a run is followed trial by trial until its end, which ends the stream without an error', async () => {
  const { next, ended: over } = follow({ after: 4n });
  run.add(aTrial(5));
  expect(await next()).toMatchObject({ trials: [{ iteration: 5n, score: 5, state: 'complete' }], ended: undefined });
  run.add(aTrial(6, { score: null, error: 'boom' }));
  expect((await next()).trials).toMatchObject([{ state: 'failed', score: undefined, error: 'boom' }]);
  run.end(ended);
  expect(await next()).toMatchObject({ trials: [], ended: { reason: 'max_iterations', isOptimizing: false } });
  expect(await over).toBe('ok');
  expect(optimizers.asked).toEqual([['follow', 'a-1', 'run-1', 4]]);
  expect(run.isClosed).toBe(true);
});

test('what ends in one turn comes as one message', async () => {
  const { next, stream } = follow();
  run.add(aTrial(1));
  await next();
  run.add(aTrial(2));
  run.add(aTrial(3));
  await Promise.resolve();
  run.add(aTrial(4));
  run.end(ended);
  expect(iterations(await next())).toEqual([2, 3, 4]);
  stream.cancel();
});

test('a run that has ended is told at once', async () => {
  run.add(aTrial(1), aTrial(2));
  run.end(ended);
  const { next, ended: over } = follow();
  const only = await next();
  expect([iterations(only), only.ended?.iteration]).toEqual([[1, 2], 3n]);
  expect(await over).toBe('ok');
});

test('with its end a stream is given back, and so is one whose reader has gone', async () => {
  const runs: ScriptedReader[] = [];
  optimizers.script.follow = () => {
    const opened = new ScriptedReader();
    runs.push(opened);
    return opened;
  };
  const [one, other] = [follow(), follow()];
  await expect.poll(() => runs.length).toBe(2);
  expect(host.gateway.openStreams).toBe(2);
  expect(await follow().ended).toMatchObject({ grpc: 8, error: { code: 'rate_limited', details: { limit: 2 } } });
  expect(refused).toEqual([
    { method: OptimizationsService.followOptimization.path, code: 'rate_limited', principal: 'team-a' },
  ]);
  for (const each of runs) each.end(ended);
  expect([await one.ended, await other.ended]).toEqual(['ok', 'ok']);
  await expect.poll(() => host.gateway.openStreams).toBe(0);

  const { stream } = follow();
  await expect.poll(() => runs.length).toBe(3);
  stream.cancel();
  await expect.poll(() => host.gateway.openStreams).toBe(0);
  expect(runs.map(({ isClosed }) => isClosed)).toEqual([true, true, true]);
});

test('a reader that does not read is taken nothing for, and gets everything once it reads', async () => {
  const { next, stream } = follow();
  run.add(aTrial(1));
  await next();
  stream.pause();
  const values = [{ name: 'prompt', type: 'string', value: 'x'.repeat(2000) }];
  for (let n = 2; n <= 3000; n += 1) {
    run.add(aTrial(n, { values }));
    if (n % 50 === 0) await new Promise(setImmediate);
  }
  // What HTTP/2 let through, and one message behind it.
  await new Promise(setImmediate);
  expect(run.taken.reduce((sum, count) => sum + count, 0)).toBeLessThan(1500);
  stream.resume();
  const seen: number[] = [];
  while (seen.at(-1) !== 3000) seen.push(...iterations(await next()));
  expect(seen).toEqual(Array.from({ length: 2999 }, (_, n) => n + 2));
  stream.cancel();
});

test.each([
  ['the gateway stops', () => void host.gateway.stop(), 14, 'store_unavailable'],
  [
    'the session is stopped',
    () => run.fail(new CoilyardError('session_not_found', 'the session was stopped')),
    5,
    'session_not_found',
  ],
])('a stream ends with a reason when %s', async (_what, act, grpc, code) => {
  const { next, ended: over } = follow();
  run.add(aTrial(1));
  await next();
  act();
  expect(await over).toMatchObject({ grpc, error: { code } });
  expect(run.isClosed).toBe(true);
});

test('what cannot be followed is refused', async () => {
  expect(await follow({ id: '' }).ended).toMatchObject({ error: { details: { field: 'optimization_id' } } });
  expect(await follow({ after: 2n ** 60n }).ended).toMatchObject({ error: { details: { field: 'after_iteration' } } });
  expect(await follow({ session: 'a-9' }).ended).toMatchObject({ grpc: 5, error: { code: 'session_not_found' } });
  expect(await follow({ who: 'stranger' }).ended).toMatchObject({ grpc: 16, error: { code: 'unauthenticated' } });
  expect(await follow({ who: 'writer' }).ended).toMatchObject({ grpc: 7, error: { details: { scope: 'read' } } });
  expect(await follow({ who: 'b' }).ended).toMatchObject({ grpc: 7, error: { code: 'permission_denied' } });
  expect(optimizers.asked).toEqual([]);
});

test('a gateway without optimizers has nothing to follow', async () => {
  const bare = await startTestGateway();
  const { id } = await bare.sessions.start();
  const request = { sessionId: id, optimizationId: 'run-1', afterIteration: 0n };
  const { ended: over } = reader(bare.clients.optimizations.followOptimization(request));
  expect(await over).toMatchObject({ grpc: 9, error: { code: 'not_optimizing' } });
  await bare.stop();
});

test('a worker follows the runs of its sessions for as long as it lives', async () => {
  expect(await follow({ who: 'worker' }).ended).toMatchObject({ grpc: 7, error: { code: 'permission_denied' } });
  grant.given(1, sessionId('a-1'));
  const { next, ended: over } = follow({ who: 'worker' });
  run.add(aTrial(1));
  await next();
  grant.close();
  expect(await over).toMatchObject({ grpc: 16, error: { code: 'unauthenticated' } });
});

test('a guest follows what rules let it see, and of all else hears what it hears of no session', async () => {
  const session = await host.sessions.find('a-1');
  const asGuest = { who: 'b', caller: 'b-1', id: 'opt_1' };
  const message = 'team-b may not use session "a-1"';
  expect(await follow(asGuest).ended).toMatchObject({ grpc: 7, error: { message } });
  await session.setPermissions('temperature', [{ sessionPattern: 'b-*', permissions: ['read', 'optimize'] }]);
  // A run that there is not is for a guest as one that it may know nothing of.
  expect(await follow(asGuest).ended).toMatchObject({ grpc: 7, error: { message } });
  await session.setPermissions('temperature', [{ sessionPattern: 'any', permissions: ['read', 'optimize'] }]);
  await session.execute({
    type: 'optimization.start',
    ...{ source: 'test', variables: ['temperature'], optimizationId: 'opt_1', optimizer: 'bayesian', config: {} },
    ...{ direction: 'maximize', maxIterations: 10, leaseMs: 0 },
  });
  const { next, ended: over } = follow(asGuest);
  run.add(aTrial(1));
  expect(iterations(await next())).toEqual([1]);
  run.fail(new CoilyardError('session_not_found', 'the session was stopped'));
  expect(await over).toMatchObject({ grpc: 7, error: { message } });
});
