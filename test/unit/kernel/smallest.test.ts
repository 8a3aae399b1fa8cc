import fc from 'fast-check';
import { expect, test } from 'vitest';
import { smallestAfter } from '../../../src/kernel/smallest.js';

const ids = Array.from({ length: 1000 }, (_, index) => `id-${String((index * 7919) % 1000).padStart(4, '0')}`);

test('a page is what sorting everything would have given', () => {
  fc.assert(
    fc.property(
      fc.uniqueArray(fc.string({ maxLength: 3 }), { maxLength: 600 }),
      fc.string({ maxLength: 3 }),
      fc.integer({ min: 1, max: 300 }),
      (texts, after, limit) => {
        const accepts = (text: string): boolean => text.length !== 2;
        const sorted = texts.filter((text) => text > after && accepts(text)).sort();
        expect(smallestAfter(texts, after, limit, accepts)).toEqual(sorted.slice(0, limit));
      },
    ),
  );
});

test('pages one after another have everything once, in order', () => {
  const found: string[] = [];
  for (let page = smallestAfter(ids, '', 30); page.length > 0; page = smallestAfter(ids, page.at(-1) ?? '', 30))
    found.push(...page);
  expect(found).toEqual([...ids].sort());
});

test('whether it is accepted is asked only of what can still be on the page', () => {
  let asked = 0;
  const accepts = (): boolean => {
    asked += 1;
    return true;
  };
  expect(smallestAfter([...ids].sort(), '', 10, accepts)).toHaveLength(10);
  expect(asked).toBeLessThan(ids.length / 4);
});
