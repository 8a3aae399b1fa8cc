import { expect, test } from 'vitest';
import { LastLines, LineSplitter } from '../../../src/workers/launchers/lines.js';

function split(...pieces: string[]): string[] {
  const lines: string[] = [];
  const splitter = new LineSplitter((line) => lines.push(line));
  for (const piece of pieces) splitter.push(piece);
  splitter.end();
  return lines;
}

test('lines come whole, however the text was cut into pieces', () => {
  expect(split('one\ntw', 'o', '\n', '\nfour')).toEqual(['one', 'two', '', 'four']);
});

test('a carriage return at the end of a line is not part of it', () => {
  expect(split('a\r\nb\r', '\n')).toEqual(['a', 'b']);
});

test('a line without an end is cut, and says by how much', () => {
  const [line = ''] = split('x'.repeat(20_000), 'x'.repeat(30_000), '\n');
  expect(line).toBe(`${'x'.repeat(8_192)}… (41808 characters more)`);
});

test('a cut line does not touch the next one', () => {
  expect(split(`${'x'.repeat(9_000)}\nnext\n`)[1]).toBe('next');
});

test('the last lines are kept, oldest first, and no more than asked for', () => {
  const last = new LastLines(3);
  expect(last.snapshot()).toEqual([]);
  for (let n = 1; n <= 100; n += 1) last.push(`${n}`);
  expect(last.snapshot()).toEqual(['98', '99', '100']);
});
