import { expect, test } from 'vitest';
import { aFloat, anOptimizer, aVariable, complete, run } from './runs.js';

test('it reaches the top of a quadratic and says that it is done', () => {
  const { best, isDone } = run('gradient', { variables: [aFloat('x', 0, 2, 0.1)] }, (x: number) => -((x - 1.3) ** 2));
  expect([best.values[0], isDone]).toEqual([expect.closeTo(1.3, 3), true]);
});

test('it reaches the top where the variables depend on each other', () => {
  const variables = [aFloat('x', 0, 2, 0.1), aFloat('y', -5, 5, 4)];
  const { best } = run(
    'gradient',
    { variables },
    (x: number, y: number) => -((x - 1.3) ** 2) - (y + 2) ** 2 - ((x - 1.3) * (y + 2)) / 2,
  );
  expect(best.values).toEqual([expect.closeTo(1.3, 2), expect.closeTo(-2, 2)]);
});

test('a bound that stops one variable leaves the other free', () => {
  const variables = [aFloat('x', 0, 2, 0.1), aFloat('y', -5, 5, 4)];
  const { best, trials, isDone } = run(
    'gradient',
    { variables, direction: 'minimize' },
    (x: number, y: number) => (x - 1.3) ** 2 + (y + 20) ** 2,
  );
  expect([best.values, isDone]).toEqual([[expect.closeTo(1.3, 3), -5], true]);
  expect(
    trials.every(({ values: [x, y] }) => Number(x) >= 0 && Number(x) <= 2 && Number(y) >= -5 && Number(y) <= 5),
  ).toBe(true);
});

test('integers go by whole steps, exact beyond 2^53', () => {
  const near = run(
    'gradient',
    { variables: [aVariable('k', 'integer', 3, { min: 1, max: 20 })] },
    (k: number) => -((k - 13) ** 2),
  );
  expect([near.best.values, near.isDone]).toEqual([[13], true]);
  const far = 2n ** 60n;
  const distance = (k: number | bigint): number => -Math.abs(Number(BigInt(k) - far - 12345n));
  const variables = [aVariable('k', 'integer', far, { min: far, max: far + 100_000n })];
  expect(run('gradient', { variables }, distance).best.values[0]).toBe(far + 12345n);
});

test('it needs no bounds', () => {
  const climb = (value: number, top: number): unknown =>
    run('gradient', { variables: [aVariable('x', 'float', value)] }, (x: number) => -((x - top) ** 2)).best.values[0];
  expect(climb(0.1, 500)).toBeCloseTo(500, 2);
  expect(climb(1e6, 5)).toBeCloseTo(5, -2);
  const steps = [aVariable('k', 'integer', 3, { min: 0, step: 3 })];
  expect(run('gradient', { variables: steps }, (k: number) => -((k - 100) ** 2)).best.values).toEqual([99]);
  const halves = [aVariable('h', 'float', 2, { max: 7.2, step: 0.5 })];
  expect(run('gradient', { variables: halves }, (h: number) => h).best.values).toEqual([7]);
});

test('no point is tried twice', () => {
  const { trials } = run(
    'gradient',
    { variables: [aFloat('x', 0, 2, 0.1), aVariable('k', 'integer', 3, { min: 1, max: 9 })] },
    (x: number, k: number) => -((x - 1) ** 2) - (k - 4) ** 2,
  );
  expect(new Set(trials.map(({ values }) => values.join())).size).toBe(trials.length);
});

test('the probes of all variables may run at the same time; then it waits for a score', () => {
  const optimizer = anOptimizer('gradient', { variables: [aFloat('x', 0, 2, 1), aFloat('y', 0, 2, 1)] });
  const asked = Array.from({ length: 5 }, () => optimizer.ask());
  expect(asked.map(({ type }) => type)).toEqual(['candidate', 'candidate', 'candidate', 'candidate', 'wait']);
  for (const suggestion of asked)
    if (suggestion.type === 'candidate') optimizer.tell(suggestion.values, complete(Number(suggestion.values[0])));
  expect(optimizer.ask()).toEqual({ type: 'wait' });
  optimizer.tell([1, 1], complete(1));
  expect(optimizer.ask()).toEqual({ type: 'candidate', values: [expect.closeTo(1.2, 9), 1] });
});

test('a present value out of bounds starts at the bound, and its trial is not waited for', () => {
  const optimizer = anOptimizer('gradient', { variables: [aFloat('x', 0, 2, 9)] });
  expect(optimizer.ask()).toEqual({ type: 'candidate', values: [2] });
});

test('a climb that is told of its former trials goes on where it stopped', () => {
  const plan = { variables: [aFloat('x', 0, 2, 0.1), aFloat('y', 0, 2, 0.1)], config: { seed: 1 } };
  const hill = (x: number, y: number): number => -((x - 1.3) ** 2) - x * (y - 1) ** 2;
  const whole = run('gradient', plan, hill).trials.map(({ values }) => values);
  const optimizer = anOptimizer('gradient', plan);
  for (const [x, y] of whole.slice(0, 12)) optimizer.tell([x, y], complete(hill(Number(x), Number(y))));
  expect(optimizer.ask()).toEqual({ type: 'candidate', values: whole[12] });
});

test('it starts elsewhere when its start fails, and ends when nothing succeeds', () => {
  const plan = { variables: [aFloat('x', 0, 2, 0.2)], config: { seed: 4 } };
  const { best, isDone } = run('gradient', plan, (x: number) => (x < 1 ? Number.NaN : -((x - 1.3) ** 2)));
  expect([best.values[0], isDone]).toEqual([expect.closeTo(1.3, 3), true]);
  const hopeless = run('gradient', plan, () => Number.NaN);
  expect([hopeless.isDone, hopeless.trials.length]).toEqual([true, 30]);
});

test('it ends on a plain', () => {
  expect(run('gradient', { variables: [aFloat('x', 0, 2, 0.2)] }, () => 1).isDone).toBe(true);
  expect(run('gradient', { variables: [aFloat('x', 2, 2, 2)] }, () => 1).isDone).toBe(true);
});

/** A noise that is the same in every run of the tests. */
const noise = (): (() => number) => {
  let state = 1;
  return () => {
    state = (state * 16807) % 2147483647;
    return state / 2147483647 - 0.5;
  };
};

test('spsa comes near the top through noise', () => {
  const variables = [aFloat('x', 0, 2, 0.1), aFloat('y', -5, 5, 4), aVariable('k', 'integer', 2, { min: 0, max: 20 })];
  for (const seed of [1, 2, 3]) {
    const draw = noise();
    const { trials, best } = run(
      'gradient',
      { variables, config: { method: 'spsa', seed }, maxIterations: 150 },
      (x: number, y: number, k: number) => -((x - 1.3) ** 2) - ((y + 2) / 5) ** 2 - ((k - 12) / 10) ** 2 + 0.1 * draw(),
    );
    expect(best.values).toEqual([expect.closeTo(1.3, 0), expect.closeTo(-2, 0), expect.closeTo(12, -1)]);
    expect(trials.every(({ values }) => Number.isInteger(values[2]))).toBe(true);
  }
});

test('spsa tries a bound that it is driven to', () => {
  const plan = { variables: [aFloat('x', 0, 2, 0.1)], config: { method: 'spsa', seed: 1 }, maxIterations: 60 };
  expect(run('gradient', plan, (x: number) => x).best.values).toEqual([2]);
});
