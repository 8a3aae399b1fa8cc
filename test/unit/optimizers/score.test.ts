import { expect, test } from 'vitest';
import { measuredOf, scored } from '../../../src/optimizers/score.js';

const metrics = (result: unknown) => {
  const measured = measuredOf(result);
  return measured.ok ? measured.value : measured.error;
};

test('a number is the score, and its only metric', () => {
  expect(metrics(0.5)).toEqual({ metrics: { score: 0.5 }, score: 0.5 });
  expect(metrics(-0)).toEqual({ metrics: { score: -0 }, score: -0 });
});

test('true and false are 1 and 0, and whole numbers of any size are numbers', () => {
  expect(metrics(true)).toEqual({ metrics: { score: 1 }, score: 1 });
  expect(metrics(false)).toEqual({ metrics: { score: 0 }, score: 0 });
  expect(metrics(7n)).toEqual({ metrics: { score: 7 }, score: 7 });
  expect(metrics({ passed: true })).toEqual({ metrics: { passed: 1 } });
});

test('an object and a map hold metrics, of which none is the score yet', () => {
  expect(metrics({ accuracy: 0.5, cost: 3 })).toEqual({ metrics: { accuracy: 0.5, cost: 3 } });
  expect(metrics(new Map([['accuracy', 0.5]]))).toEqual({ metrics: { accuracy: 0.5 } });
});

test('a metric may be called anything', () => {
  const measured = measuredOf(
    new Map([
      ['__proto__', 1],
      ['constructor', 2],
    ]),
  );
  expect(measured.ok && Object.entries(measured.value.metrics)).toEqual([
    ['__proto__', 1],
    ['constructor', 2],
  ]);
  expect(measured.ok && scored(measured.value, '__proto__')).toMatchObject({ ok: true, value: { score: 1 } });
});

test('whatever is no number and no numbers by name is why the trial has failed', () => {
  for (const nonsense of [undefined, null, 'good', [], [1], Symbol('score'), () => 1, new Date(0), new Set([1])])
    expect(metrics(nonsense), String(nonsense)).toMatch(/^the objective returned .*, not a number or metrics$/);
  for (const nonsense of [{ a: 'good' }, { a: null }, { a: [1] }, new Map([['a', undefined]])])
    expect(metrics(nonsense)).toMatch(/^the metric .*a.* is .*, not a number$/);
});

const picked = (given: Record<string, number>, metric?: string, score?: number) => {
  const result = scored({ metrics: given, score }, metric);
  return result.ok ? result.value.score : result.error;
};

test('the score is what was said to be it, before any metric', () => {
  expect(picked({ score: 1, accuracy: 2 }, 'accuracy', 3)).toBe(3);
});

test('without that it is the metric that was asked for', () => {
  expect(picked({ score: 1, accuracy: 2 }, 'accuracy')).toBe(2);
  expect(picked({ accuracy: 2 }, 'recall')).toBe('there is no metric recall (metrics: accuracy)');
});

test('without that it is the metric called score, or the only one that there is', () => {
  expect(picked({ score: 1, accuracy: 2 })).toBe(1);
  expect(picked({ accuracy: 2 })).toBe(2);
  expect(picked({ accuracy: 2, recall: 3 })).toMatch(/say which one is optimized/);
  expect(picked({})).toMatch(/metrics: none/);
});

test('no inherited property is a metric', () => {
  expect(picked({ accuracy: 2 }, 'constructor')).toMatch(/there is no metric constructor/);
});

test('a score or a metric that is not finite is a failure, whichever is optimized', () => {
  expect(picked({ score: NaN })).toBe('the metric score is NaN');
  expect(picked({ score: 1, cost: Infinity })).toBe('the metric cost is Infinity');
  expect(picked({}, undefined, -Infinity)).toBe('the score is -Infinity');
});

test('a score by itself is kept as a metric, beside others it is not', () => {
  expect(scored({ metrics: {}, score: 2 }, undefined)).toMatchObject({ value: { metrics: { score: 2 } } });
  expect(scored({ metrics: { a: 1 }, score: 2 }, undefined)).toMatchObject({ value: { metrics: { a: 1 }, score: 2 } });
});

test('more metrics than a session keeps are a failure of the trial', () => {
  const many = (count: number) => Object.fromEntries(Array.from({ length: count }, (_, index) => [`m${index}`, index]));
  expect(picked(many(100), 'm7')).toBe(7);
  expect(picked(many(101), 'm7')).toBe('there are 101 metrics, at most 100 are kept');
});
