import { expect, test } from 'vitest';
import { keepLatest } from '../../../src/kernel/keep-latest.js';

test('what came first is forgotten beyond so many, of a set and of a map', () => {
  const ids = new Set(['a', 'b', 'c', 'd']);
  keepLatest(ids, 2);
  expect([...ids]).toEqual(['c', 'd']);
  const ages = new Map([
    ['a', 1],
    ['b', 2],
  ]);
  keepLatest(ages, 2);
  expect(ages.size).toBe(2);
  keepLatest(ages, 1);
  expect([...ages]).toEqual([['b', 2]]);
});

test('what is set again after it was deleted is the latest', () => {
  const ages = new Map([
    ['a', 1],
    ['b', 2],
  ]);
  ages.delete('a');
  ages.set('a', 3);
  keepLatest(ages, 1);
  expect([...ages.keys()]).toEqual(['a']);
});
