import { expect, test } from 'vitest';
import { examplesOf, missingTests, outputOf, programOf, programsIn, textOf } from '../../support/guides.js';

const guide = textOf('docs/guides/supervision.md');
const examples = examplesOf('supervision');

test('there is an example for every program of the guide, word for word', () => {
  const programs = programsIn(guide);
  expect(programs.length).toBeGreaterThanOrEqual(examples.length);
  const texts = examples.map(programOf);
  expect(programs.filter((program) => !texts.some((text) => text.includes(program)))).toEqual([]);
});

test.for(examples)('the example $name prints what the guide says', async (example) => {
  expect(guide).toContain(`\`\`\`text\n${await outputOf(example)}\n\`\`\``);
});

/** Rows `| S7 | rule | file: title | difference |` of the table of rules. */
const rows = [...guide.matchAll(/^\| S(\d+) \| ([^|]*) \| ([^|]*) \| ([^|]*) \|$/gm)].map(
  ([, rule = '', , tests = '']) => ({ rule: Number(rule), tests: tests.trim() }),
);

test('the table of the guide has every rule from S1 to S92, in order', () => {
  expect(rows.map(({ rule }) => rule)).toEqual(Array.from({ length: 92 }, (_, index) => index + 1));
});

test('every rule of the table has a test that is named for it, in the files that the table links', () => {
  const untested = rows.filter(({ rule, tests }) => {
    const files = [...tests.matchAll(/\]\(\.\.\/\.\.\/([^)]*)\)/g)].map(([, path = '']) => path);
    if (files.length === 0) return tests !== 'none';
    return !files.every((path) => new RegExp(`['\`]S${rule} `).test(textOf(path)));
  });
  expect(untested).toEqual([]);
});

test('only rules about hot code upgrade and hibernation have no test', () => {
  expect(rows.filter(({ tests }) => tests === 'none').map(({ rule }) => rule)).toEqual([63, 79]);
});

test('the tests that the semantics name exist', () => {
  const { named, missing } = missingTests(textOf('docs/semantics-supervision.md'));
  expect(named).toBeGreaterThanOrEqual(16);
  expect(missing).toEqual([]);
});
