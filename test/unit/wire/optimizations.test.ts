import { expect, test } from 'vitest';
import {
  GetOptimizationHistoryRequest,
  OptimizationStatus,
  OptimizationTrial,
  StartOptimizationRequest,
  StopOptimizationRequest,
  TellTrialRequest,
} from '../../../src/gen/coilyard/v1/optimizations.js';
import { CoilyardError } from '../../../src/kernel/errors.js';
import {
  encodeEndedTrial,
  encodeHistoryRecord,
  encodeRunStatus,
  encodeTrial,
  type HistoryRecord,
  type RunStatus,
} from '../../../src/wire/optimization-replies.js';
import {
  decodeHistory,
  decodeRunClient,
  decodeStart,
  decodeStop,
  decodeTold,
  decodeTried,
} from '../../../src/wire/optimizations.js';
import { encodeValue, encodeValues } from '../../../src/wire/value.js';

const nothing = new Uint8Array();
const long = 'x'.repeat(129);
const start = (request: Partial<StartOptimizationRequest> = {}) =>
  decodeStart({ ...StartOptimizationRequest.decode(nothing), variables: ['a'], optimizer: 'bayesian', ...request });
const tell = (request: Partial<TellTrialRequest> = {}) =>
  decodeTold({ ...TellTrialRequest.decode(nothing), number: 1n, ...request });
const stop = (request: Partial<StopOptimizationRequest> = {}) =>
  decodeStop({ ...StopOptimizationRequest.decode(nothing), variable: 'a', ...request });

/** The field that a refusal names. */
function refusedField(decode: () => unknown): unknown {
  try {
    decode();
  } catch (error) {
    if (error instanceof CoilyardError && error.code === 'invalid_argument') return error.details.field;
    throw error;
  }
  throw new Error('it was not refused');
}

test('what a start leaves out has its default', () => {
  expect(start()).toEqual({
    variables: ['a'],
    options: {
      optimizer: 'bayesian',
      config: {},
      maxIterations: 100,
      convergenceThreshold: undefined,
      patience: undefined,
      direction: 'maximize',
      metric: undefined,
      tool: undefined,
      external: false,
      applyTrials: false,
      parallel: 1,
      timeoutMs: undefined,
      leaseMs: 15_000,
      source: 'grpc',
    },
  });
});

test('what a start says is what the run is asked for', () => {
  const config = encodeValues(Object.entries({ xi: 0.01, n_initial_points: 3, space: { a: { min: 0 } }, seed: null }));
  const said = {
    requestId: 'r',
    variables: ['a', 'var_b_1'],
    config,
    maxIterations: 1_000_000,
    convergenceThreshold: 0,
    direction: 'minimize',
    objective: 'evaluate',
    metric: 'accuracy',
    parallel: 1000,
    timeoutMs: 60_000n,
    patience: 7,
    leaseMs: 100n,
    source: 'me',
  };
  expect(start(said)).toEqual({
    variables: ['a', 'var_b_1'],
    options: {
      optimizer: 'bayesian',
      config: { xi: 0.01, n_initial_points: 3, space: { a: { min: 0 } }, seed: null },
      maxIterations: 1_000_000,
      convergenceThreshold: 0,
      patience: 7,
      direction: 'minimize',
      metric: 'accuracy',
      tool: 'evaluate',
      external: false,
      applyTrials: false,
      parallel: 1000,
      timeoutMs: 60_000,
      leaseMs: 100,
      source: 'me',
      requestId: 'r',
    },
  });
});

const kindless = { kind: undefined };
const tensor = encodeValue({ dtype: 'int8', shape: [1], data: new Uint8Array(1) });
const names = (count: number) => Array.from({ length: count }, (_, n) => `v${n}`);

test.each<[string, Partial<StartOptimizationRequest>]>([
  ['variables', { variables: [] }],
  ['variables', { variables: names(101) }],
  ['variables[1]', { variables: ['a', ''] }],
  ['optimizer', { optimizer: '' }],
  ['optimizer', { optimizer: long }],
  ['config', { config: encodeValues(names(101).map((name) => [name, 1])) }],
  ['config.xi', { config: new Map([['xi', kindless]]) }],
  ['config.weights', { config: new Map([['weights', tensor]]) }],
  ['config.space', { config: new Map([['space', { kind: { $case: 'json' as const, value: '{' } }]]) }],
  ['max_iterations', { maxIterations: 1_000_001 }],
  ['convergence_threshold', { convergenceThreshold: -1 }],
  ['convergence_threshold', { convergenceThreshold: Number.NaN }],
  ['convergence_threshold', { convergenceThreshold: Infinity }],
  ['direction', { direction: 'up' }],
  ['objective', { objective: long }],
  ['objective', { objective: 'evaluate', external: true }],
  ['metric', { metric: long }],
  ['parallel', { parallel: 1001 }],
  ['parallel', { parallel: 2, applyTrials: true }],
  ['timeout_ms', { timeoutMs: 2n ** 60n }],
  ['patience', { patience: 2 ** 32 - 1 }],
  ['lease_ms', { leaseMs: 99n }],
  ['lease_ms', { leaseMs: 3_600_001n }],
  ['lease_ms', { leaseMs: 2n ** 63n }],
  ['source', { source: long }],
  ['request_id', { requestId: long }],
])('a start that is wrong about %s is refused by that name', (field, request) => {
  expect(refusedField(() => start(request))).toBe(field);
});

test('a setting called __proto__ is one like any other', () => {
  const { config } = start({ config: encodeValues([['__proto__', { polluted: true }]]) }).options;
  expect(Object.keys(config)).toEqual(['__proto__']);
  expect(Reflect.get({}, 'polluted')).toBeUndefined();
});

test('a run and a client are named, in texts of a bounded length', () => {
  expect(decodeRunClient({ optimizationId: 'o', clientId: 'c' })).toEqual({ optimizationId: 'o', clientId: 'c' });
  for (const text of ['', long]) {
    expect(refusedField(() => decodeRunClient({ optimizationId: text, clientId: 'c' }))).toBe('optimization_id');
    expect(refusedField(() => decodeRunClient({ optimizationId: 'o', clientId: text }))).toBe('client_id');
  }
});

test('values to try keep the kinds that the client gave them', () => {
  expect(decodeTried(new Map())).toBeUndefined();
  const tried = decodeTried(new Map([['temperature', { kind: { $case: 'float' as const, value: 1 } }]]));
  expect([...(tried ?? [])]).toEqual([['temperature', { kind: 'float', value: 1 }]]);
  expect(refusedField(() => decodeTried(new Map([['temperature', kindless]])))).toBe('values.temperature');
  expect(refusedField(() => decodeTried(encodeValues(names(101).map((name) => [name, 1]))))).toBe('values');
});

test('a result has its metrics, and a score when one was told', () => {
  const metrics = new Map([
    ['accuracy', 0.5],
    ['__proto__', 1],
  ]);
  const { number, outcome } = tell({ number: 7n, metrics });
  expect(number).toBe(7);
  expect(outcome).not.toHaveProperty('score');
  expect(Object.entries('metrics' in outcome ? outcome.metrics : {})).toEqual([...metrics]);
  expect(tell({ score: 0 }).outcome).toEqual({ metrics: {}, score: 0 });
});

test.each<[string, Partial<TellTrialRequest>]>([
  ['the metric "loss" is NaN', { metrics: new Map(Object.entries({ accuracy: 1, loss: Number.NaN })), score: 1 }],
  ['the metric "loss" is Infinity', { metrics: new Map([['loss', Infinity]]) }],
  ['the score is NaN', { score: Number.NaN }],
  ['the score is -Infinity', { metrics: new Map([['accuracy', 1]]), score: -Infinity }],
])('a trial whose result is no number has failed: %s', (error, request) => {
  expect(tell(request).outcome).toEqual({ error });
});

test('a trial that failed says why, no longer than is kept, whatever was measured', () => {
  expect(tell({ error: 'boom', score: 1 }).outcome).toEqual({ error: 'boom' });
  const { outcome } = tell({ error: `begins here ${'💥'.repeat(100_000)}` });
  const { error } = 'error' in outcome ? outcome : { error: '' };
  expect(error).toHaveLength(4096);
  expect(error).toMatch(/^begins here /);
  expect(error.isWellFormed()).toBe(true);
});

test.each<[string, Partial<TellTrialRequest>]>([
  ['number', { number: 0n }],
  ['number', { number: 2n ** 60n }],
  ['metrics', { metrics: new Map(names(101).map((name) => [name, 1])) }],
  ['metrics.', { metrics: new Map([['', 1]]) }],
  [`metrics.${long}`, { metrics: new Map([[long, 1]]) }],
])('a result that is wrong about %s is refused by that name', (field, request) => {
  expect(refusedField(() => tell(request))).toBe(field);
});

test('a stop says why; what went wrong is for runs that failed', () => {
  expect(stop()).toEqual({
    variable: 'a',
    options: { optimizationId: undefined, reason: 'stopped', error: undefined },
  });
  expect(stop({ optimizationId: 'o', reason: 'failed', error: 'e'.repeat(5000) }).options).toEqual({
    optimizationId: 'o',
    reason: 'failed',
    error: 'e'.repeat(4096),
  });
  expect(refusedField(() => stop({ variable: '' }))).toBe('variable');
  for (const reason of ['shutdown', 'FAILED', '__proto__']) expect(refusedField(() => stop({ reason }))).toBe('reason');
  expect(refusedField(() => stop({ reason: 'exhausted', error: 'boom' }))).toBe('error');
  expect(refusedField(() => stop({ optimizationId: long }))).toBe('optimization_id');
});

test('a history has the newest hundred unless it is asked for otherwise', () => {
  const history = (request: Partial<GetOptimizationHistoryRequest>) =>
    decodeHistory({ ...GetOptimizationHistoryRequest.decode(nothing), variable: 'a', ...request });
  expect(history({})).toEqual({ variable: 'a', options: { limit: 100, sinceMs: 0, optimizerId: undefined } });
  expect(history({ limit: 3, sinceMs: 5n, optimizationId: 'o' }).options).toEqual({
    limit: 3,
    sinceMs: 5,
    optimizerId: 'o',
  });
  expect(refusedField(() => history({ variable: '' }))).toBe('variable');
  expect(refusedField(() => history({ sinceMs: -1n }))).toBe('since_ms');
});

const status: RunStatus = {
  isOptimizing: false,
  optimizationId: 'o',
  optimizer: 'bayesian',
  variables: [
    { name: 'temperature', type: 'float' },
    { name: 'hidden', type: 'string' },
  ],
  iteration: 3,
  maxIterations: 100,
  direction: 'minimize',
  leaseMs: 15_000,
  bestValues: new Map([['temperature', 1]]),
  bestMetrics: { loss: 0.25 },
  bestScore: 0,
  startedAtMs: 1000.4,
  lastUpdateAtMs: 2000,
  reason: 'conflict',
  error: '',
  committed: new Map([['temperature', 4]]),
  conflicts: ['hidden'],
};

test('a status has its values as those of their variables, and none that its reader may not see', () => {
  const encoded = encodeRunStatus(status);
  expect(encoded).toEqual({
    isOptimizing: false,
    optimizationId: 'o',
    optimizer: 'bayesian',
    variables: ['temperature', 'hidden'],
    iteration: 3n,
    maxIterations: 100n,
    direction: 'minimize',
    bestValues: new Map([['temperature', { kind: { $case: 'float', value: 1 } }]]),
    bestMetrics: new Map([['loss', 0.25]]),
    bestScore: 0,
    startedAtMs: 1000n,
    lastUpdateMs: 2000n,
    reason: 'conflict',
    error: '',
    committed: new Map([['temperature', 4n]]),
    conflicts: ['hidden'],
    leaseMs: 15_000n,
  });
  expect(OptimizationStatus.decode(OptimizationStatus.encode(encoded).finish())).toEqual(encoded);
});

test('a run without an end or a best trial says neither', () => {
  const going = encodeRunStatus({ ...status, isOptimizing: true, reason: null, bestScore: null });
  expect(going).toMatchObject({ isOptimizing: true, reason: '', bestScore: undefined });
});

test('a variable that no run has ever held has a status in which everything is empty', () => {
  expect(encodeRunStatus(undefined)).toEqual(OptimizationStatus.decode(nothing));
});

const named = [{ name: 'count', type: 'integer', value: 10n ** 30n }];

test('values to try travel with the number of their trial', () => {
  expect(encodeTrial({ number: 2, values: named })).toEqual({
    number: 2n,
    values: new Map([['count', { kind: { $case: 'bigInteger', value: `1${'0'.repeat(30)}` } }]]),
  });
});

test('a trial without a score has failed', () => {
  const trial = { optimizationId: 'o', iteration: 1, values: named, metrics: {}, startedAtMs: 1, endedAtMs: 2 };
  const complete = encodeEndedTrial({ ...trial, score: 0, error: '' });
  expect(complete).toMatchObject({ state: 'complete', score: 0, iteration: 1n, endedAtMs: 2n, version: undefined });
  const failed = encodeEndedTrial({ ...trial, score: null, error: 'boom' });
  expect(failed).toMatchObject({ state: 'failed', score: undefined, error: 'boom' });
  for (const encoded of [complete, failed])
    expect(OptimizationTrial.decode(OptimizationTrial.encode(encoded).finish())).toEqual(encoded);
});

test('of what an optimizer elsewhere has written as metrics the numbers travel', () => {
  const entry: HistoryRecord = {
    optimizerId: 'optuna',
    iteration: null,
    value: 0.5,
    variableType: 'float',
    metrics: { loss: 1, note: 'text', nested: { loss: 2 } },
    score: null,
    state: 'complete',
    error: '',
    startedAtMs: 5,
    atMs: 5,
    version: 3,
  };
  const encoded = encodeHistoryRecord(entry, 'temperature');
  expect(encoded).toMatchObject({ iteration: undefined, score: undefined, state: 'complete', version: 3n });
  expect([...encoded.values.keys(), ...encoded.metrics.keys()]).toEqual(['temperature', 'loss']);
  // What is no count cannot be told as one.
  for (const iteration of [0.5, -1, Number.NaN, Infinity])
    expect(encodeHistoryRecord({ ...entry, iteration }, 'temperature').iteration).toBeUndefined();
  expect(encodeHistoryRecord({ ...entry, iteration: 4 }, 'temperature').iteration).toBe(4n);
});
