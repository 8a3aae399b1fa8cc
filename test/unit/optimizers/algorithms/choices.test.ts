import fc from 'fast-check';
import { expect, test } from 'vitest';
import { Choices } from '../../../../src/optimizers/algorithms/choices.js';

const lists = fc.array(
  fc.integer({ min: -5000, max: 5000 }).map((number) => number / 64),
  { minLength: 1 },
);

test('the value that is near a coordinate is the nearest one, the lower one of two', () => {
  fc.assert(
    fc.property(lists, fc.double({ min: -0.5, max: 1.5, noNaN: true }), (list, coordinate) => {
      const choices = new Choices('c', list);
      const distanceOf = (value: unknown): number => Math.abs((choices.coordinateOf(value) ?? Number.NaN) - coordinate);
      const ascending = Array.from({ length: Number(choices.count) }, (_, index) => choices.at(BigInt(index)));
      let nearest = ascending[0];
      for (const value of ascending) if (distanceOf(value) < distanceOf(nearest)) nearest = value;
      expect(choices.near(coordinate)).toBe(nearest);
    }),
  );
});
