import { expect, test } from 'vitest';
import { Turns } from '../../../src/gateway/turns.js';

const turn = (): Promise<void> => new Promise(setImmediate);

test('one stream sends before the turn of the loop is over', async () => {
  const turns = new Turns();
  const heard: string[] = [];
  turns.add(() => heard.push('sent'));
  expect(heard).toEqual([]);
  await new Promise((resolve) => process.nextTick(resolve));
  expect(heard).toEqual(['sent']);
});

test('many streams send in order, and other work goes on between their turns', async () => {
  const turns = new Turns();
  const heard: (number | string)[] = [];
  for (let n = 0; n < 100; n += 1) turns.add(() => heard.push(n));
  while (!heard.includes(99)) {
    await turn();
    heard.push('other work');
  }
  expect(heard.filter((one) => one !== 'other work')).toEqual(Array.from({ length: 100 }, (_, n) => n));
  expect(heard.indexOf('other work')).toBeLessThan(heard.indexOf(99));
});

test('a stream that has more to send takes another turn behind the others', async () => {
  const turns = new Turns();
  const heard: string[] = [];
  turns.add(() => {
    heard.push('a');
    turns.add(() => heard.push('a again'));
  });
  turns.add(() => heard.push('b'));
  await turn();
  expect(heard).toEqual(['a', 'b', 'a again']);
});
