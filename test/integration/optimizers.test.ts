import { execFile } from 'node:child_process';
import { promisify } from 'node:util';
import { CoilyardError, formatTree, type OptimizationRun, type Optimizer, type Runtime, startRuntime } from 'coilyard';
import { describe, expect, test } from 'vitest';
import { aPythonRuntime, type PythonHouse } from '../support/python-runtime.js';

const aPythonHouse = (pool = {}): Promise<PythonHouse> => aPythonRuntime({ imports: ['objective_tools'], ...pool });

/** A session with the float `rate`, 0.5 of 0 to 1. */
async function withRate(runtime: Runtime) {
  const session = await runtime.sessions.start();
  await session.register('rate', 'float', 0.5, { constraints: { min: 0, max: 1 } });
  return session;
}

const failures = async (run: OptimizationRun): Promise<string[]> => {
  const errors: string[] = [];
  for await (const { error } of run.trials()) if (error !== '') errors.push(error);
  return errors;
};

/** Suggests these values of one variable, in order. */
const suggesting = (...values: readonly unknown[]) => {
  const left = [...values];
  return (): Optimizer => ({
    ask: () => (left.length === 0 ? { type: 'done' } : { type: 'candidate', values: [left.shift()] }),
    tell: () => {},
  });
};

describe('an objective of this process', () => {
  test.each(['bayesian', 'gradient', 'grid_search', 'random_search'])('is climbed by %s', async (optimizer) => {
    await using runtime = await startRuntime({ python: false });
    const session = await withRate(runtime);
    const run = await runtime.optimizers.start(session, 'rate', {
      optimizer,
      config: optimizer === 'grid_search' ? { n_points: 21 } : { seed: 7 },
      objective: (value) => 1 - (Number(value) - 0.25) ** 2,
      maxIterations: 60,
      convergenceThreshold: 0,
    });
    const { bestScore, committed, iteration } = await run.ended;
    expect(bestScore).toBeGreaterThan(0.99);
    expect(committed.get('rate')).toBe(1);
    expect(Math.abs(Number(session.get('rate')) - 0.25)).toBeLessThan(0.1);
    expect(session.optimizationHistory('rate')).toHaveLength(iteration);
  });

  test('is shown in the tree while it is tried, and not after', async () => {
    await using runtime = await startRuntime({ python: false });
    const session = await withRate(runtime);
    const run = await runtime.optimizers.start(session, 'rate', {
      optimizer: 'random_search',
      objective: () => new Promise(() => {}),
    });
    expect(formatTree(runtime.tree())).toMatch(new RegExp(`optimizers[^]*study:${run.id}`));
    await run.stop();
    await new Promise((resolve) => setImmediate(resolve));
    expect(formatTree(runtime.tree())).not.toMatch(/study:/);
  });

  test('is abandoned when the runtime is stopped, which reports nothing killed', async () => {
    const runtime = await startRuntime({ python: false });
    const session = await withRate(runtime);
    const run = await runtime.optimizers.start(session, 'rate', {
      optimizer: 'random_search',
      applyTrials: true,
      objective: () => new Promise(() => {}),
    });
    expect(await runtime.stop()).toMatchObject({ killed: [], failed: [] });
    expect(await run.ended).toMatchObject({ reason: 'shutdown', committed: new Map() });
  });

  test('keeps no process alive: it exits by itself after the runtime was stopped', async () => {
    const program = `
      import { startRuntime } from 'coilyard';
      const runtime = await startRuntime({ python: false });
      const session = await runtime.sessions.start();
      await session.register('rate', 'float', 0.5, { constraints: { min: 0, max: 1 } });
      await session.register('other', 'float', 0.5, { constraints: { min: 0, max: 1 } });
      const settings = { optimizer: 'random_search', timeoutMs: 3_600_000 };
      const run = await runtime.optimizers.start(session, 'rate', { ...settings, objective: () => new Promise(() => {}) });
      const open = await runtime.optimizers.start(session, 'other', { ...settings, leaseMs: 3_600_000 });
      await open.ask('one');
      open.ask('two').then((trial) => console.log('two', trial));
      run.ended.then(({ reason }) => console.log(reason));
      await runtime.stop();
    `;
    const runner = ['--import', './test/support/run-typescript.mjs', '--input-type=module', '--eval', program];
    const { stdout } = await promisify(execFile)(process.execPath, runner, { timeout: 120_000 });
    expect(stdout.split('\n').sort()).toEqual(['', 'shutdown', 'two undefined']);
  });
});

describe('an optimizer that a program registers', () => {
  test('is found by its name, with what the run is about', async () => {
    await using runtime = await startRuntime({ python: false });
    const session = await withRate(runtime);
    const plans: unknown[] = [];
    runtime.optimizers.register('stairs', ({ variables, direction, maxIterations, config }) => {
      plans.push([variables.map(({ name, type, value, constraints }) => [name, type, value, constraints]), direction]);
      plans.push([maxIterations, config]);
      return suggesting(0.1, 0.2, 0.3)();
    });
    const run = await runtime.optimizers.start(session, 'rate', {
      optimizer: 'stairs',
      config: { step: 0.1 },
      direction: 'minimize',
      objective: (value) => Math.abs(Number(value) - 0.2),
    });
    expect(await run.ended).toMatchObject({ reason: 'exhausted', iteration: 4, bestScore: 0 });
    expect(session.get('rate')).toBe(0.2);
    expect(plans).toEqual([
      [[['rate', 'float', 0.5, { min: 0, max: 1 }]], 'minimize'],
      [100, { step: 0.1 }],
    ]);
    expect(() => runtime.optimizers.register('stairs', suggesting())).toThrow(/name/);
  });
});

describe('a tool of TypeScript', () => {
  test('measures, with the variable as its argument and the session of the run', async () => {
    await using runtime = await startRuntime({ python: false });
    const session = await withRate(runtime);
    const seen: unknown[] = [];
    runtime.tools.register('measure', ({ value }, context) => {
      seen.push(context.session?.id);
      return { closeness: 1 - Math.abs(Number(value) - 0.25) };
    });
    const run = await runtime.optimizers.start(session, 'rate', {
      optimizer: 'grid_search',
      config: { n_points: 5 },
      objective: 'measure',
    });
    expect(await run.ended).toMatchObject({ reason: 'exhausted', bestScore: 1 });
    expect(new Set(seen)).toEqual(new Set([session.id]));
    expect(session.get('rate')).toBe(0.25);
  });

  test('that there is not ends the run at once', async () => {
    await using runtime = await startRuntime({ python: false });
    const session = await withRate(runtime);
    const run = await runtime.optimizers.start(session, 'rate', { optimizer: 'random_search', objective: 'nowhere' });
    expect(await run.ended).toMatchObject({ reason: 'failed', iteration: 0, error: expect.stringMatching(/nowhere/) });
    await session.delete('rate');
  });

  test('that needs another argument than it is given ends the run at once', async () => {
    await using runtime = await startRuntime({ python: false });
    const session = await withRate(runtime);
    const parameters = { type: 'object', required: ['temperature'] };
    runtime.tools.register('measure', () => 1, { parameters });
    const run = await runtime.optimizers.start(session, 'rate', { optimizer: 'random_search', objective: 'measure' });
    expect(await run.ended).toMatchObject({
      reason: 'failed',
      iteration: 0,
      error: expect.stringMatching(/temperature/),
    });
  });

  test.each(['invalid_argument', 'tool_not_found', 'permission_denied', 'store_unavailable'] as const)(
    'that refuses a value by an error of its own, %s, has failed for that value',
    async (code) => {
      await using runtime = await startRuntime({ python: false });
      const session = await withRate(runtime);
      let calls = 0;
      runtime.tools.register('measure', ({ value }) => {
        calls += 1;
        if (value === 0.5) throw new CoilyardError(code, 'not this one', { details: { tool: 'another' } });
        return Number(value);
      });
      const run = await runtime.optimizers.start(session, 'rate', {
        optimizer: 'grid_search',
        config: { n_points: 3 },
        objective: 'measure',
      });
      expect(await run.ended).toMatchObject({ reason: 'exhausted', bestScore: 1 });
      expect(await failures(run)).toEqual(['not this one']);
      expect(calls).toBe(3);
    },
  );
});

describe('a tool of Python', () => {
  test('measures', async () => {
    await using house = await aPythonHouse();
    const session = await withRate(house.runtime);
    const run = await house.runtime.optimizers.start(session, 'rate', {
      optimizer: 'grid_search',
      config: { n_points: 5 },
      objective: 'closeness_with_cost',
      metric: 'closeness',
      parallel: 3,
    });
    expect(await run.ended).toMatchObject({ reason: 'exhausted', iteration: 5, bestScore: 1, error: '' });
    expect(run.status().bestMetrics).toEqual({ closeness: 1, cost: 0.25 });
    expect(session.get('rate')).toBe(0.25);
  });

  test('measures several variables by their names', async () => {
    await using house = await aPythonHouse();
    const session = await house.runtime.sessions.start();
    for (const name of ['low', 'high'])
      await session.register(name, 'float', 0.5, { constraints: { min: 0, max: 1, step: 0.5 } });
    const run = await house.runtime.optimizers.start(session, ['low', 'high'], {
      optimizer: 'grid_search',
      objective: 'difference',
    });
    expect(await run.ended).toMatchObject({ reason: 'exhausted', iteration: 9, bestScore: 1 });
    expect([session.get('low'), session.get('high')]).toEqual([0, 1]);
  });

  test('that raises has failed for that value', async () => {
    await using house = await aPythonHouse();
    const session = await withRate(house.runtime);
    const run = await house.runtime.optimizers.start(session, 'rate', {
      optimizer: 'grid_search',
      config: { n_points: 5 },
      objective: 'moody',
    });
    expect(await run.ended).toMatchObject({ reason: 'exhausted', iteration: 5, bestScore: 0.5 });
    expect((await failures(run)).sort()).toEqual([
      'ValueError: 0.75 is too much for me',
      'ValueError: 1.0 is too much for me',
    ]);
  });

  test('that measures in words has failed', async () => {
    await using house = await aPythonHouse();
    const session = await withRate(house.runtime);
    const run = await house.runtime.optimizers.start(session, 'rate', {
      optimizer: 'random_search',
      objective: 'wordy',
      maxIterations: 2,
    });
    expect(await run.ended).toMatchObject({ reason: 'max_iterations', iteration: 2, bestScore: null });
    expect((await failures(run))[0]).toMatch(/"bad".*not a number/);
  });

  test('that there is not ends the run at once', async () => {
    await using house = await aPythonHouse();
    const session = await withRate(house.runtime);
    const run = await house.runtime.optimizers.start(session, 'rate', {
      optimizer: 'random_search',
      objective: 'nowhere',
    });
    expect(await run.ended).toMatchObject({ reason: 'failed', iteration: 0, error: expect.stringMatching(/nowhere/) });
  });

  test('that kills its worker has failed for that value, and the others are measured', async () => {
    await using house = await aPythonHouse();
    const session = await withRate(house.runtime);
    const run = await house.runtime.optimizers.start(session, 'rate', {
      optimizer: 'grid_search',
      config: { n_points: 5 },
      objective: 'deadly',
    });
    expect(await run.ended).toMatchObject({ reason: 'exhausted', iteration: 5, bestScore: 0.5 });
    expect(await failures(run)).toHaveLength(2);
    for (const error of await failures(run)) expect(error).toMatch(/worker|killed/);
  });

  test('that goes on for ever is told to stop with the run, and its worker lives on', async () => {
    await using house = await aPythonHouse();
    const [pid] = await house.ready(1);
    const session = await withRate(house.runtime);
    const run = await house.runtime.optimizers.start(session, 'rate', {
      optimizer: 'random_search',
      objective: 'endless',
      timeoutMs: 300,
    });
    expect(await run.ended).toMatchObject({ reason: 'timeout', iteration: 0 });
    expect(await house.python.call('closeness', { value: 0.25 })).toBe(1);
    expect(house.pids).toEqual([pid]);
  });

  test('is not blamed when the runtime goes down: no trial fails for that', async () => {
    const house = await aPythonHouse();
    await house.ready(1);
    const session = await withRate(house.runtime);
    const run = await house.runtime.optimizers.start(session, 'rate', {
      optimizer: 'random_search',
      objective: 'late',
      convergenceThreshold: 0,
      maxIterations: 1000,
    });
    for await (const { iteration } of run.trials()) if (iteration === 3) break;
    const all = failures(run);
    await house.runtime.stop();
    expect(await run.ended).toMatchObject({ reason: 'shutdown' });
    expect(await all).toEqual([]);
  });
});
