import * as coilyard from 'coilyard';
import * as supervisors from 'coilyard/supervisors';
import * as testing from 'coilyard/testing';
import { describe, expect, test } from 'vitest';
import { createMachine } from 'xstate';
import { type Row, sweepDeep } from './hostile.js';

const settings = { forward: async () => 1, name: 'agent', variables: {}, modules: {} };
const logic = createMachine({});

/** Good arguments by function; each is replaced in turn, and so is each of their fields. */
const functions: Record<string, Readonly<Record<string, Row>>> = {
  coilyard: {
    startRuntime: [
      coilyard.startRuntime,
      {
        store: undefined,
        gateway: { host: '127.0.0.1', port: 0, token: undefined, tls: undefined, principals: undefined },
        python: { pools: { default: { size: 1 } }, launcher: undefined },
        limits: { mailbox: 1 },
        types: [],
        audit: {},
        logger: undefined,
        telemetry: undefined,
        clock: undefined,
        random: undefined,
      },
    ],
    memoryStore: [coilyard.memoryStore, { keptCommits: 5 }],
    defineAgent: [coilyard.defineAgent, { ...settings, pool: 'default' }],
    defineType: [coilyard.defineType, { name: 'mine', cast: (value: unknown) => value, constraints: {} }],
    describeExit: [coilyard.describeExit, { type: 'signal', signal: 'SIGKILL', code: null }],
    formatTree: [coilyard.formatTree, { id: 'a', type: 'worker', status: 'alive', restarts: 0, children: [] }],
    openTelemetry: [
      coilyard.openTelemetry,
      { on: () => () => {} },
      { meter: undefined, tracer: undefined, clock: undefined },
    ],
    prometheusMetrics: [coilyard.prometheusMetrics, { on: () => () => {} }, { prefix: 'a', bucketsSeconds: [1] }],
    'dspy.Predict': [coilyard.dspy.Predict, 'a -> b', { instructions: 'x', options: {} }],
    'dspy.ReAct': [coilyard.dspy.ReAct, 'a -> b', { instructions: 'x', options: {}, tools: [] }],
    'dspy.module': [coilyard.dspy.module, 'mine', 'a -> b', {}],
    'variable.float': [coilyard.variable.float, 1, { min: 0 }],
    'variable.integer': [coilyard.variable.integer, 1, { min: 0 }],
    'variable.string': [coilyard.variable.string, 'a', {}],
    'variable.boolean': [coilyard.variable.boolean, true, {}],
    'variable.choice': [coilyard.variable.choice, 'a', { choices: ['a'] }],
    'variable.module': [coilyard.variable.module, 'a', { choices: ['a'] }],
    'variable.list': [coilyard.variable.list, [], {}],
    'variable.map': [coilyard.variable.map, {}, {}],
    'variable.embedding': [coilyard.variable.embedding, [1], {}],
    'variable.tensor': [coilyard.variable.tensor, [1], {}],
    Tensor: [
      (...args: ConstructorParameters<typeof coilyard.Tensor>) => new coilyard.Tensor(...args),
      'float32',
      [1],
      new Float32Array(1),
    ],
  },
  'coilyard/supervisors': {
    isCleanExit: [supervisors.isCleanExit, { type: 'normal' }],
    spawn: [
      supervisors.spawn,
      {
        init: () => {},
        terminate: undefined,
        handleExit: undefined,
        parent: undefined,
        name: undefined,
        trapExit: true,
        initTimeoutMs: 5,
        clock: undefined,
      },
    ],
    spawnActor: [supervisors.spawnActor, logic, { parent: undefined, clock: undefined, name: undefined }],
    spawnServer: [
      supervisors.spawnServer,
      {
        init: () => ({ state: 0 }),
        handleCall: undefined,
        handleCast: undefined,
        handleInfo: undefined,
        terminate: undefined,
        onCrash: undefined,
        parent: undefined,
      },
    ],
    startDynamicSupervisor: [
      supervisors.startDynamicSupervisor,
      {
        maxChildren: 1,
        label: 'a',
        onEvent: undefined,
        random: undefined,
        clock: undefined,
        name: undefined,
        parent: undefined,
      },
    ],
    startPartitionSupervisor: [
      supervisors.startPartitionSupervisor,
      { partitions: 1, start: () => 'ignore', strategy: 'one_for_one', restart: 'permanent' },
    ],
    startRegistry: [
      supervisors.startRegistry,
      { keys: 'unique', listeners: [], parent: undefined, name: undefined, clock: undefined },
    ],
    startSupervisor: [
      supervisors.startSupervisor,
      {
        children: [],
        strategy: 'one_for_one',
        maxRestarts: 3,
        withinMs: 5,
        autoShutdown: 'never',
        stopOrder: 'parallel',
        backoff: undefined,
      },
    ],
    startTask: [
      supervisors.startTask,
      () => 1,
      { owner: undefined, linked: true, supervisor: undefined, clock: undefined },
    ],
  },
  'coilyard/testing': {
    settle: [testing.settle],
    scriptedWorkers: [testing.scriptedWorkers, { tools: {}, modules: {} }],
    sessionStoreContract: [testing.sessionStoreContract, () => coilyard.memoryStore(), { keptCommits: 8 }],
    ManualClock: [() => new testing.ManualClock()],
  },
};

describe.each(Object.entries(functions))('%s', (_entry, table) => {
  test.each(Object.keys(table))('%s answers every argument with a result or a CoilyardError', async (name) => {
    const row = table[name];
    if (row === undefined) throw new Error('no row');
    expect(await sweepDeep(row)).toEqual([]);
  });
});

test('every function that is exported is in the table', () => {
  /** Made by others, or tested where they are written; the constructor of an error takes anything. */
  const elsewhere = ['Agent', 'Runtime', 'CoilyardError', 'formatTree', 'describeExit'];
  for (const [entry, exported] of Object.entries({
    coilyard,
    'coilyard/supervisors': supervisors,
    'coilyard/testing': testing,
  }))
    for (const [name, value] of Object.entries(exported))
      if (typeof value === 'function' && !elsewhere.includes(name))
        expect(Object.keys(functions[entry] ?? {}), `${entry}: ${name}`).toContain(name);
});
