import { expect, test } from 'vitest';
import { type RunningTrial, TrialDesk } from '../../../src/optimizers/trial-desk.js';
import { thrown } from '../sessions/harness.js';

const settled = (desk: TrialDesk, trial: RunningTrial, iteration: number) => {
  desk.settle(trial, iteration);
  return desk;
};

test('trials are numbered as they begin, and a client has its own in hand', () => {
  const desk = new TrialDesk();
  const first = desk.begin('one', [1], 10, 0);
  const second = desk.begin('two', [2], 20, 0);
  expect([first.number, second.number, desk.size]).toEqual([1, 2, 2]);
  expect([desk.of('one'), desk.of('two'), desk.of('three')]).toEqual([first, second, undefined]);
});

test('a client claims what it has in hand, and nothing of another', () => {
  const desk = new TrialDesk();
  const first = desk.begin('one', [1], 10, 0);
  expect(desk.claim(1, 'one')).toBe(first);
  expect(thrown(() => desk.claim(1, 'two'))).toMatchObject({ code: 'invalid_argument', details: { field: 'number' } });
});

test('a settled trial is claimed as what it was settled as, and frees its client', () => {
  const desk = new TrialDesk();
  settled(desk, desk.begin('one', [1], 10, 0), 7);
  expect(desk.claim(1, 'one')).toEqual({ settledAs: 7 });
  expect([desk.of('one'), desk.size]).toEqual([undefined, 0]);
});

test('a trial that never began cannot be claimed, whatever number it is given', () => {
  const desk = new TrialDesk();
  desk.begin('one', [1], 10, 0);
  for (const number of [0, 2, -1, 1.5, NaN, Infinity, Number.MAX_SAFE_INTEGER])
    expect(thrown(() => desk.claim(number, 'one')).code, String(number)).toBe('invalid_argument');
});

test('the last thousand settled trials are remembered', () => {
  const desk = new TrialDesk();
  for (let iteration = 1; iteration <= 1001; iteration += 1) settled(desk, desk.begin('one', [1], 10, 0), iteration);
  expect(thrown(() => desk.claim(1, 'one')).message).toMatch(/trial 1 has ended long ago/);
  expect(desk.claim(2, 'one')).toEqual({ settledAs: 2 });
});

test('a trial is silent once its client was not heard of for long enough, by itself or by whom it belongs to', () => {
  const desk = new TrialDesk();
  const trials = ['one', 'one-2', 'two'].map((client) => desk.begin(client, [1], 10, 100));
  expect(desk.silentSince(99)).toEqual([]);
  expect(desk.silentSince(100)).toEqual(trials);
  desk.hear('one', 200);
  expect(desk.silentSince(199)).toEqual(trials.slice(2));
  desk.hear('one-2', 300);
  expect(desk.silentSince(299)).toEqual([trials[0], trials[2]]);
  desk.hear('tw', 300);
  desk.hear('somebody', 300);
  desk.hear('', 300);
  for (const trial of trials) desk.settle(trial, 1);
  expect(desk.silentSince(1000)).toEqual([]);
});
