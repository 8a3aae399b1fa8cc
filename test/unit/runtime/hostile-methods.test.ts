import { defineAgent, startRuntime, variable } from 'coilyard';
import {
  spawn,
  spawnServer,
  startDynamicSupervisor,
  startPartitionSupervisor,
  startRegistry,
  startSupervisor,
  startTask,
} from 'coilyard/supervisors';
import { ManualClock, scriptedWorkers } from 'coilyard/testing';
import { afterAll, describe, expect, test } from 'vitest';
import { type Row, sweepDeep } from './hostile.js';

const agentOf = (name: string) =>
  defineAgent({ name, variables: { x: variable.float(1) }, modules: {}, forward: async () => 1 });

const launcher = scriptedWorkers({ tools: { echo: () => 1 } });
const runtime = await startRuntime({ python: { launcher } });
const session = await runtime.sessions.start({ id: 'session' });
await session.registerMany([
  { name: 'x', type: 'float', initialValue: 1 },
  { name: 'y', type: 'float', initialValue: 1 },
]);
await session.register('rate', 'float', 0, { constraints: { min: 0, max: 1 } });
await session.register('held', 'float', 0, { constraints: { min: 0, max: 1 } });
const agent = await runtime.start(agentOf('good'));
const optimization = await runtime.optimizers.start(session, 'held', {
  optimizer: 'random_search',
  leaseMs: 3_600_000,
});
const trial = await optimization.ask();
await runtime.python.start();

const never = () => new Promise<never>(() => {});
const worker = () => spawn({});
const supervisor = await startSupervisor({ children: [{ id: 'a', start: (self) => spawn({ parent: self }) }] });
const dynamic = await startDynamicSupervisor();
const partitions = await startPartitionSupervisor({ partitions: 2, start: (self) => spawn({ parent: self }) });
const registry = await startRegistry({ keys: 'duplicate' });
const server = await spawnServer({
  init: () => ({ state: 0 }),
  handleCall: () => ({ reply: 1, state: 0 }),
  handleCast: (_message: unknown, state) => ({ state }),
  handleInfo: (_message: unknown, state) => ({ state }),
});
const task = startTask(never);
const done = startTask(() => 1);
const process = await worker();
const clock = new ManualClock();
const normal = { type: 'normal' } as const;

afterAll(async () => {
  for (const ended of [supervisor, dynamic, partitions, registry, server, task, process])
    ended.exit({ type: 'killed' });
  await runtime.stop();
});

let registered = 0;

/** The handle, so that `this` is what it is in use. */
const on = <Handle extends object>(handle: Handle, method: keyof Handle & string, ...good: unknown[]): Row => [
  (...args: unknown[]) => Reflect.apply(Object(handle)[method], handle, args),
  ...good,
];

const methods: Record<string, Row> = {
  'runtime.start': on(runtime, 'start', agentOf('swept'), { ttlMs: 5000, metadata: {}, owner: 'me' }),
  'runtime.events.on': on(runtime.events, 'on', 'session.started', () => {}),
  'sessions.start': on(runtime.sessions, 'start', { ttlMs: 5000, metadata: {}, owner: 'me' }),
  'sessions.find': on(runtime.sessions, 'find', 'session'),
  'sessions.page': on(runtime.sessions, 'page', '', 5),
  'agent.run': on(agent, 'run', undefined, { timeoutMs: 5000, signal: undefined }),
  'tools.register': on(runtime.tools, 'register', 'tool', () => 1, { description: 'x' }),
  'tools.callTool': on(runtime.tools, 'callTool', { name: 'echo', arguments: new Map(), sessionId: null }),
  'tools.listTools': on(runtime.tools, 'listTools', 'default'),
  'python.call': on(
    runtime.python,
    'call',
    'echo',
    {},
    {
      timeoutMs: 5000,
      pool: 'default',
      session,
      signal: undefined,
      affinity: 'hint',
      idempotent: true,
      onProgress: undefined,
      onLog: undefined,
    },
  ),
  'python.stream': [
    (...args: unknown[]) => {
      const stream = Reflect.apply(runtime.python.stream, runtime.python, args);
      return stream.next().finally(() => stream.return());
    },
    'echo',
    {},
    { timeoutMs: 5000, pool: 'default' },
  ],
  'python.execute': on(runtime.python, 'execute', { kind: 'Predict', signature: 'a -> b' }, {}, { timeoutMs: 5000 }),
  'python.start': on(runtime.python, 'start', 'default'),
  'python.invite': on(runtime.python, 'invite', 'none'),
  'python.workers': on(runtime.python, 'workers', 'default'),
  'python.tools': on(runtime.python, 'tools', 'default'),
  'python.modules': on(runtime.python, 'modules', 'default'),
  'session.get': on(session, 'get', 'x', 1),
  'session.variable': on(session, 'variable', 'x'),
  'session.list': on(session, 'list', { pattern: '*', limit: 1, offset: 0, type: 'float', source: 'me' }),
  'session.set': on(session, 'set', 'x', 1, {
    metadata: {},
    expectedVersion: undefined,
    source: 'me',
    timeoutMs: 5000,
  }),
  'session.update': on(session, 'update', { x: 1 }, { atomic: true, metadata: {} }),
  'session.modify': on(session, 'modify', 'x', () => 1, { attempts: 2 }),
  'session.register': on(session, 'register', 'x', 'float', 1, { constraints: {}, dependencies: [], accessRules: [] }),
  'session.registerMany': on(session, 'registerMany', [], { source: 'me' }),
  'session.delete': on(session, 'delete', 'none', { cascade: true }),
  'session.observe': on(session, 'observe', 'x', () => {}),
  'session.watch': [
    (...args: unknown[]) => Reflect.apply(session.watch, session, args).return?.(),
    ['x'],
    {
      includeInitial: true,
      filter: () => true,
      throttleMs: 5,
      debounceMs: 5,
      signal: undefined,
      pattern: 'x',
      after: { revision: 0 },
    },
  ],
  'session.history': on(session, 'history', 'x', { limit: 1, offset: 0 }),
  'session.optimizationHistory': on(session, 'optimizationHistory', 'x', { limit: 1 }),
  'session.audit': on(session, 'audit', { limit: 1 }),
  'session.rollback': on(session, 'rollback', 'x', 0, { reason: 'x' }),
  'session.addDependency': on(session, 'addDependency', 'x', 'y', { type: 'data', metadata: {} }),
  'session.removeDependency': on(session, 'removeDependency', 'x', 'y', {}),
  'session.dependencies': on(session, 'dependencies', 'x', { transitive: true }),
  'session.dependents': on(session, 'dependents', 'x', { transitive: true }),
  'session.export': on(session, 'export', { format: 'json', filterPattern: 'x', includeHistory: true }),
  'session.import': on(session, 'import', new Uint8Array(2), { format: 'json', mergeStrategy: 'keep', dryRun: true }),
  'session.stats': on(session, 'stats', 'x'),
  'session.setPermissions': on(session, 'setPermissions', 'y', [], {}),
  'session.setConstraints': on(session, 'setConstraints', 'y', {}, {}),
  'session.setReadOnly': on(session, 'setReadOnly', 'y', false, {}),
  'session.compute': on(session, 'compute', 'y', () => 1, {}),
  'session.checkAccess': on(session, 'checkAccess', 'x', 'read', 'me'),
  'session.as': on(session, 'as', 'me'),
  'session.stop': on(session.as('other'), 'stop', { keep: true }),
  'session.execute': on(session, 'execute', { type: 'variable.set', variable: 'x', value: 1, source: 'me' }, {}),
  'optimizers.start': [
    async (...args: unknown[]) => {
      const run = await Reflect.apply(runtime.optimizers.start, runtime.optimizers, args);
      await run.stop();
    },
    session,
    'rate',
    {
      optimizer: 'random_search',
      config: { seed: 1, space: { rate: { min: 0 } } },
      maxIterations: 2,
      convergenceThreshold: 0,
      patience: 5,
      direction: 'maximize',
      metric: 'score',
      applyTrials: false,
      parallel: 1,
      timeoutMs: 5000,
      leaseMs: 500,
      source: 'me',
      objective: () => 1,
      onTrial: () => {},
      signal: undefined,
    },
  ],
  'optimizers.stop': on(runtime.optimizers, 'stop', session, 'rate'),
  'optimizers.status': on(runtime.optimizers, 'status', session, 'rate'),
  'optimizers.register': [
    (name: unknown, factory: unknown) => {
      registered += 1;
      const given = name === 'mine' ? `mine-${registered}` : name;
      return Reflect.apply(runtime.optimizers.register, runtime.optimizers, [given, factory]);
    },
    'mine',
    () => ({}),
  ],
  'run.ask': on(optimization, 'ask', 'somebody'),
  'run.tell': on(optimization, 'tell', trial, { score: 1, cost: 2 }, 'somebody'),
  'run.fail': on(optimization, 'fail', trial, 'no luck', 'somebody'),
  'run.renew': on(optimization, 'renew', 'somebody'),
  'run.status': on(optimization, 'status'),
  'run.trials': on(optimization, 'trials'),
  'session.optimization': on(session, 'optimization', 'x'),
  'supervisor.startChild': on(supervisor, 'startChild', {
    id: Symbol('child'),
    start: () => 'ignore',
    restart: 'temporary',
    shutdown: 5,
    type: 'worker',
  }),
  'supervisor.terminateChild': on(supervisor, 'terminateChild', 'none'),
  'supervisor.restartChild': on(supervisor, 'restartChild', 'a'),
  'supervisor.deleteChild': on(supervisor, 'deleteChild', 'a'),
  'dynamic.startChild': on(dynamic, 'startChild', { start: () => 'ignore' }),
  'dynamic.terminateChild': on(dynamic, 'terminateChild', process),
  'partitions.which': [(key: unknown) => partitions.which(key)?.id, 'key'],
  'registry.register': on(registry, 'register', 'key', process, 1),
  'registry.unregister': on(registry, 'unregister', 'key', process),
  'registry.updateValue': on(registry, 'updateValue', 'key', process, () => 1),
  'registry.whereis': on(registry, 'whereis', 'key'),
  'registry.lookup': on(registry, 'lookup', 'key'),
  'registry.dispatch': on(registry, 'dispatch', 'key', () => {}),
  'registry.keys': on(registry, 'keys', process),
  'server.call': on(server, 'call', 1, { timeoutMs: 5000 }),
  'server.cast': on(server, 'cast', 1),
  'server.send': on(server, 'send', 1),
  'server.replaceState': on(server, 'replaceState', (state: unknown) => state),
  'task.await': on(done, 'await', 5000, undefined),
  'task.yield': on(done, 'yield', 5000, undefined),
  'process.monitor': on(process, 'monitor', () => {}),
  'process.link': on(process, 'link', task),
  'process.unlink': on(process, 'unlink', task),
  'clock.advance': on(clock, 'advance', 1),
};

/** What ends its handle gets one of its own for each call. */
const ending: Record<string, Row> = {
  'runtime.stop': [
    async (...args: unknown[]) => {
      const own = await startRuntime({ python: false });
      try {
        return await Reflect.apply(own.stop, own, args);
      } finally {
        await own.stop();
      }
    },
    { timeoutMs: 1000 },
  ],
  'process.exit': [
    async (...args: unknown[]) => Reflect.apply((await worker()).exit, await worker(), args),
    normal,
    process,
  ],
  'supervisor.stop': [
    async (...args: unknown[]) => {
      const own = await startSupervisor({ children: [] });
      return Reflect.apply(own.stop, own, args).finally(() => own.exit({ type: 'killed' }));
    },
    normal,
    { timeoutMs: 1000, deadlineMs: 1000 },
  ],
  'registry.stop': [
    async (...args: unknown[]) => {
      const own = await startRegistry({ keys: 'unique' });
      return Reflect.apply(own.stop, own, args).finally(() => own.exit({ type: 'killed' }));
    },
    normal,
    { timeoutMs: 1000 },
  ],
  'server.stop': [
    async (...args: unknown[]) => {
      const own = await spawnServer({ init: () => ({ state: 0 }) });
      return Reflect.apply(own.stop, own, args).finally(() => own.exit({ type: 'killed' }));
    },
    normal,
    { timeoutMs: 1000 },
  ],
};

describe('a method that plain JavaScript calls with anything at all', () => {
  test.each(Object.entries({ ...methods, ...ending }))(
    '%s answers with a result or a CoilyardError',
    async (_name, row) => {
      expect(await sweepDeep(row)).toEqual([]);
    },
  );

  test.each(['affinity', 'idempotent', 'onProgress', 'onLog'])(
    'refuses an option of a call of Python that is no %s, by its name',
    async (field) => {
      const options: object = { [field]: 'yes' };
      await expect(runtime.python.call('echo', {}, options)).rejects.toMatchObject({
        code: 'invalid_argument',
        details: { field },
      });
    },
  );

  test('has left everything in working order', async () => {
    expect(await session.set('x', 5)).toMatchObject({ revision: session.revision });
    expect(await agent.run()).toBe(1);
    expect(await runtime.python.call('echo')).toBe(1);
    expect(await server.call(1)).toBe(1);
    const handles = { supervisor, dynamic, partitions, registry, server, task };
    for (const [name, { alive }] of Object.entries(handles)) expect(alive, name).toBe(true);
    // However often it was told.
    expect(optimization.status()).toMatchObject({ isOptimizing: true, iteration: 1 });
  });
});
