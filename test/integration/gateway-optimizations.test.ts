/** `coilyard.v1.Optimizations` over gRPC, and as frames, with a scripted port behind it. */

import { type ClientUnaryCall, credentials, makeGenericClientConstructor, Metadata } from '@grpc/grpc-js';
import fc from 'fast-check';
import { afterAll, beforeAll, beforeEach, expect, test } from 'vitest';
import {
  type AskTrialRequest,
  GetOptimizationHistoryRequest,
  OptimizationsService,
  OptimizationStatus,
  StartOptimizationRequest,
  StopOptimizationRequest,
  type TellTrialRequest,
} from '../../src/gen/coilyard/v1/optimizations.js';
import { CoilyardError } from '../../src/kernel/errors.js';
import type { Asked, OptimizersPort } from '../../src/optimizers/handle.js';
import type { Session } from '../../src/sessions/session.js';
import {
  ask,
  type AskOptions,
  refusal,
  startTestGateway,
  type TestGateway,
  value,
  values,
} from '../support/gateway-host.js';
import { aStatus, aTrial, ScriptedOptimizers } from '../support/scripted-optimizers.js';

const optimizers = new ScriptedOptimizers();
let host: TestGateway;
let session: Session;

beforeAll(async () => {
  host = await startTestGateway({ optimizers });
});

afterAll(() => host.stop());

beforeEach(async () => {
  optimizers.reset();
  session = await host.sessions.start();
  await session.register('temperature', 'float', 0.5);
});

const client = () => host.clients.optimizations;
const nothing = new Uint8Array();
const of = () => ({ sessionId: session.id, optimizationId: 'run-1', clientId: 'c' });

const start = (request: Partial<StartOptimizationRequest> = {}, options?: AskOptions) =>
  ask(
    client().startOptimization.bind(client()),
    {
      ...StartOptimizationRequest.decode(nothing),
      sessionId: session.id,
      variables: ['temperature'],
      optimizer: 'bayesian',
      ...request,
    },
    options,
  );
const askTrial = (request: Partial<AskTrialRequest> = {}, options?: AskOptions) =>
  ask(client().askTrial.bind(client()), { ...of(), values: new Map(), requestId: '', ...request }, options);
const tell = (request: Partial<TellTrialRequest> = {}) =>
  ask(client().tellTrial.bind(client()), {
    ...of(),
    number: 1n,
    metrics: new Map(),
    error: '',
    requestId: '',
    ...request,
  });
const renew = () => ask(client().renewOptimization.bind(client()), of());
const stop = (request: Partial<StopOptimizationRequest> = {}) =>
  ask(client().stopOptimization.bind(client()), {
    ...StopOptimizationRequest.decode(nothing),
    sessionId: session.id,
    variable: 'temperature',
    ...request,
  });
const status = (variable = 'temperature') =>
  ask(client().getOptimizationStatus.bind(client()), { sessionId: session.id, variable });
const history = (request: Partial<GetOptimizationHistoryRequest> = {}) =>
  ask(client().getOptimizationHistory.bind(client()), {
    ...GetOptimizationHistoryRequest.decode(nothing),
    sessionId: session.id,
    variable: 'temperature',
    ...request,
  });

test('a run is started with what the request says, and answered with its status and the revision', async () => {
  optimizers.script.start = async () => aStatus();
  const reply = await start({ config: values({ xi: 0.1 }), maxIterations: 7, direction: 'minimize' });
  expect(reply).toMatchObject({ revision: 1n, status: { isOptimizing: true, optimizationId: 'run-1' } });
  expect(optimizers.asked).toMatchObject([
    ['start', session.id, ['temperature'], { config: { xi: 0.1 }, maxIterations: 7, direction: 'minimize' }],
  ]);
});

test('what is wrong about a request is refused by the name of its field, and nobody is asked', async () => {
  const wrong: [string, () => Promise<unknown>][] = [
    ['session_id', () => start({ sessionId: '' })],
    ['max_iterations', () => start({ maxIterations: 2_000_000 })],
    ['config.xi', () => start({ config: new Map([['xi', { kind: undefined }]]) })],
    ['client_id', () => askTrial({ clientId: '' })],
    ['values.temperature', () => askTrial({ values: new Map([['temperature', { kind: undefined }]]) })],
    ['request_id', () => askTrial({ requestId: 'x'.repeat(200) })],
    ['optimization_id', () => tell({ optimizationId: 'x'.repeat(1_000_000) })],
    ['number', () => tell({ number: 0n })],
    ['reason', () => stop({ reason: 'bored' })],
    ['variable', () => status('')],
    ['since_ms', () => history({ sinceMs: -1n })],
  ];
  for (const [field, call] of wrong)
    expect(await refusal(call()), field).toMatchObject({
      grpc: 3,
      error: { code: 'invalid_argument', execution: 'not_started', details: { field } },
    });
  expect(optimizers.asked).toEqual([]);
});

test.each([
  ['variable_not_found', 5],
  ['permission_denied', 7],
  ['already_optimizing', 9],
  ['not_optimizing', 9],
  ['optimistic_lock_failure', 10],
] as const)('what is refused as %s is told with that code', async (code, grpc) => {
  const refused = (): never => {
    throw new CoilyardError(code, 'no');
  };
  for (const name of ['start', 'ask', 'tell', 'renew', 'stop', 'status'] as const) optimizers.script[name] = refused;
  for (const call of [start, askTrial, tell, renew, stop, status])
    expect(await refusal(call())).toMatchObject({ grpc, error: { code, message: 'no' } });
});

test('an ask is answered with a trial, with an end, or with neither', async () => {
  const values = [{ name: 'temperature', type: 'float', value: 1 }];
  const answers: Asked[] = [
    { type: 'trial', trial: { number: 3, values } },
    { type: 'later' },
    { type: 'ended', status: aStatus({ isOptimizing: false, reason: 'converged' }) },
  ];
  optimizers.script.ask = async () => answers.shift() ?? { type: 'later' };
  expect(await askTrial()).toMatchObject({
    trial: { number: 3n, values: new Map([['temperature', { kind: { $case: 'float', value: 1 } }]]) },
    ended: undefined,
    revision: 1n,
  });
  expect(await askTrial()).toEqual({ trial: undefined, ended: undefined, revision: 1n });
  expect(await askTrial()).toMatchObject({ trial: undefined, ended: { reason: 'converged' } });
});

test('an ask brings what the client of an external run wants to try', async () => {
  optimizers.script.ask = async () => ({ type: 'later' });
  await askTrial({ values: new Map([['temperature', { kind: { $case: 'float', value: 1 } }]]) });
  expect(optimizers.asked).toMatchObject([
    ['ask', session.id, 'run-1', 'c', { values: new Map([['temperature', { kind: 'float', value: 1 }]]) }],
  ]);
});

/** Asks that wait until their caller has gone. */
function parking(): { readonly parked: number; readonly timeouts: unknown[]; ask: OptimizersPort['ask'] } {
  const state = { parked: 0, timeouts: [] as unknown[] };
  return Object.assign(state, {
    ask: (...[, , , options]: Parameters<OptimizersPort['ask']>) =>
      new Promise<Asked>((_resolve, reject) => {
        state.parked += 1;
        state.timeouts.push(options?.timeoutMs);
        options?.signal?.addEventListener('abort', () => {
          state.parked -= 1;
          reject(new CoilyardError('cancelled', 'the caller has gone'));
        });
      }),
  });
}

test('an ask knows the time that its caller has, and is left when it is over', async () => {
  const waiting = parking();
  optimizers.script.ask = waiting.ask;
  expect((await refusal(askTrial({}, { timeoutMs: 100 }))).grpc).toBe(4);
  await expect.poll(() => waiting.parked).toBe(0);
  expect(waiting.timeouts).toHaveLength(1);
  expect(waiting.timeouts[0]).toBeLessThanOrEqual(100);
});

test('a client that goes away leaves no ask behind', async () => {
  const waiting = parking();
  optimizers.script.ask = waiting.ask;
  const left: ClientUnaryCall[] = [];
  const request = { ...of(), values: new Map(), requestId: '' };
  for (let n = 0; n < 20; n += 1) left.push(client().askTrial(request, new Metadata(), {}, () => {}));
  await expect.poll(() => waiting.parked).toBe(20);
  for (const call of left) call.cancel();
  await expect.poll(() => waiting.parked).toBe(0);
});

test('asks that wait do not hold up a gateway that stops', async () => {
  const waiting = parking();
  const own = new ScriptedOptimizers();
  own.script.ask = waiting.ask;
  const other = await startTestGateway({ optimizers: own });
  const { id } = await other.sessions.start();
  const { optimizations } = other.clients;
  const request = { ...of(), sessionId: id, values: new Map(), requestId: '' };
  const asked = refusal(ask(optimizations.askTrial.bind(optimizations), request));
  await expect.poll(() => waiting.parked).toBe(1);
  expect(await other.gateway.stop({ timeoutMs: 30_000 })).toEqual({ forced: false });
  expect(await asked).toMatchObject({ grpc: 14, error: { code: 'store_unavailable', retryable: true } });
  await other.stop();
});

test('a result is told with its metrics, and answered with the trial and the status', async () => {
  optimizers.script.tell = async () => ({ trial: aTrial(1), status: aStatus({ iteration: 1, bestScore: 1 }) });
  const reply = await tell({ number: 5n, metrics: new Map([['score', 1]]) });
  expect(reply).toMatchObject({
    revision: 1n,
    trial: { iteration: 1n, score: 1, state: 'complete' },
    status: { iteration: 1n, bestScore: 1 },
  });
  await tell({ score: Number.NaN });
  await tell({ error: 'boom' });
  expect(optimizers.asked).toEqual([
    ['tell', session.id, 'run-1', 'c', 5, { metrics: { score: 1 } }],
    ['tell', session.id, 'run-1', 'c', 1, { error: 'the score is NaN' }],
    ['tell', session.id, 'run-1', 'c', 1, { error: 'boom' }],
  ]);
});

test('a client says that it is still there', async () => {
  optimizers.script.renew = () => aStatus({ leaseMs: 500 });
  expect(await renew()).toMatchObject({ revision: 1n, status: { leaseMs: 500n } });
  expect(optimizers.asked).toEqual([['renew', session.id, 'run-1', 'c']]);
});

test('a run is stopped by its variable, for a reason', async () => {
  optimizers.script.stop = async () => aStatus({ isOptimizing: false, reason: 'failed', error: 'boom' });
  const reply = await stop({ optimizationId: 'run-1', reason: 'failed', error: 'boom' });
  expect(reply).toMatchObject({ revision: 1n, status: { isOptimizing: false, reason: 'failed', error: 'boom' } });
  expect(optimizers.asked).toEqual([
    ['stop', session.id, 'temperature', { optimizationId: 'run-1', reason: 'failed', error: 'boom' }],
  ]);
});

test('a start and a stop with the same id have their effect once and get the same answer', async () => {
  let count = 0;
  optimizers.script.start = async () => aStatus({ optimizationId: `run-${++count}` });
  optimizers.script.stop = async () => aStatus({ optimizationId: `run-${++count}`, isOptimizing: false });
  const [first, retried] = await Promise.all([start({ requestId: 'a' }), start({ requestId: 'a' })]);
  expect([first, retried, await start({ requestId: 'a' })].map((reply) => reply.status?.optimizationId)).toEqual(
    Array(3).fill('run-1'),
  );
  expect((await start({ requestId: 'b' })).status?.optimizationId).toBe('run-2');
  expect((await start()).status?.optimizationId).toBe('run-3');
  expect((await stop({ requestId: 'a' })).status?.optimizationId).toBe('run-4');
  expect((await stop({ requestId: 'a' })).status?.optimizationId).toBe('run-4');
  expect(optimizers.asked[0]).toMatchObject(['start', session.id, ['temperature'], { requestId: 'a' }]);
});

test('an id is one of its session and its caller, and is refused for something else', async () => {
  let count = 0;
  optimizers.script.start = async () => aStatus({ optimizationId: `run-${++count}` });
  const other = await host.sessions.start();
  const ids = [
    await start({ requestId: 'a' }),
    await start({ requestId: 'a', sessionId: other.id }),
    await start({ requestId: 'a' }, { headers: { 'coilyard-session': other.id } }),
    await start({ requestId: 'a' }, { headers: { 'coilyard-session': session.id } }),
  ].map((reply) => reply.status?.optimizationId);
  expect(ids).toEqual(['run-1', 'run-2', 'run-3', 'run-1']);
  expect(await refusal(start({ requestId: 'a', variables: ['other'] }))).toMatchObject({
    error: { code: 'invalid_argument', details: { field: 'request_id' } },
  });
});

test('a variable that no run has ever held is idle, and everything else of its status is empty', async () => {
  optimizers.script.status = () => undefined;
  expect(await status()).toEqual({ revision: 1n, status: OptimizationStatus.decode(nothing) });
  expect(optimizers.asked).toEqual([['status', session.id, 'temperature']]);
});

test('a history has what optimizers elsewhere have written, by the name of the variable', async () => {
  for (const [iteration, written] of [0.6, 0.7].entries())
    await session.set('temperature', written, {
      metadata: { optimizer_id: 'optuna', metrics: { loss: 1 - written }, iteration, score: written },
    });
  const { revision, trials } = await history({ variable: session.variable('temperature').id });
  expect(revision).toBe(3n);
  expect(trials.map(({ values, score }) => [[...values], score])).toEqual([
    [[['temperature', value(0.6)]], 0.6],
    [[['temperature', value(0.7)]], 0.7],
  ]);
  expect(trials[1]).toMatchObject({ optimizationId: 'optuna', iteration: 1n, state: 'complete', version: 2n });
  expect((await history({ limit: 1 })).trials).toHaveLength(1);
  expect((await history({ optimizationId: 'other' })).trials).toEqual([]);
  expect(await refusal(history({ variable: 'nobody' }))).toMatchObject({ error: { code: 'variable_not_found' } });
});

test('a gateway without optimizers says so, whatever it is asked', async () => {
  const bare = await startTestGateway();
  const { id } = await bare.sessions.start();
  await (await bare.sessions.find(id)).register('temperature', 'float', 0);
  const { optimizations } = bare.clients;
  const about = { ...of(), sessionId: id, variable: 'temperature' };
  const begun = { ...StartOptimizationRequest.decode(nothing), ...about, variables: ['temperature'], optimizer: 'x' };
  const calls = [
    () => ask(optimizations.startOptimization.bind(optimizations), begun),
    () => ask(optimizations.askTrial.bind(optimizations), { ...about, values: new Map(), requestId: '' }),
    () => ask(optimizations.renewOptimization.bind(optimizations), about),
    () => ask(optimizations.getOptimizationStatus.bind(optimizations), about),
    () => ask(optimizations.getOptimizationHistory.bind(optimizations), { ...about, limit: 0, sinceMs: 0n }),
  ];
  for (const call of calls)
    expect(await refusal(call())).toMatchObject({
      grpc: 9,
      error: { code: 'not_optimizing', details: { reason: 'no_optimizers' } },
    });
  await bare.stop();
});

test('whatever bytes come to whatever method, there is an answer', async () => {
  for (const name of ['start', 'stop'] as const) optimizers.script[name] = async () => aStatus();
  const Raw = makeGenericClientConstructor({}, 'raw');
  const raw = new Raw(host.gateway.address, credentials.createInsecure());
  const asItIs = (buffer: Buffer): Buffer => buffer;
  const paths = Object.values(OptimizationsService).map(({ path }) => path);
  await fc.assert(
    fc.asyncProperty(fc.constantFrom(...paths), fc.uint8Array({ maxLength: 200 }), async (path, bytes) => {
      const grpc = await new Promise((resolve) => {
        raw.makeUnaryRequest(path, asItIs, asItIs, Buffer.from(bytes), new Metadata(), {}, (error) =>
          resolve(error?.code ?? 0),
        );
      });
      // No session is named by chance.
      expect([3, 5]).toContain(grpc);
    }),
    { numRuns: 300 },
  );
  raw.close();
});
