import { expect, test } from 'vitest';
import { Ring } from '../../../src/kernel/ring.js';

test('a ring gives back what was pushed, first in first out, across growth and wrap-around', () => {
  const ring = new Ring<number>();
  const model: number[] = [];
  let next = 0;
  for (let round = 0; round < 200; round += 1) {
    for (let count = 0; count < (round % 7) + 3; count += 1) {
      ring.push(next);
      model.push(next++);
    }
    for (let count = 0; count < (round % 5) + 2; count += 1) expect(ring.shift()).toBe(model.shift());
    expect(ring.length).toBe(model.length);
    expect([...ring]).toEqual(model);
  }
});

test('an empty ring gives undefined and is ready again', () => {
  const ring = new Ring<string>();
  expect(ring.shift()).toBeUndefined();
  ring.push('a');
  expect(ring.shift()).toBe('a');
  expect(ring.shift()).toBeUndefined();
  expect(ring.length).toBe(0);
});

test('a ring that was emptied after a rush goes on from the start', () => {
  const ring = new Ring<number>();
  for (let index = 0; index < 5000; index += 1) ring.push(index);
  for (let index = 0; index < 5000; index += 1) expect(ring.shift()).toBe(index);
  ring.push(1);
  ring.push(2);
  expect([...ring]).toEqual([1, 2]);
});
