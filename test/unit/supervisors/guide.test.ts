import { readdirSync, readFileSync } from 'node:fs';
import { expect, test, vi } from 'vitest';
import { settle } from '../../../src/testing/manual-clock.js';

const file = (path: string): string => readFileSync(new URL(`../../../${path}`, import.meta.url), 'utf8');
const guide = file('docs/guides/supervision.md');
const examples = readdirSync(new URL('../../../docs/examples/supervision', import.meta.url));

/** What a program prints, and what the guide says it prints. */
async function outputOf(name: string): Promise<string> {
  const lines: string[] = [];
  const log = vi.spyOn(console, 'log').mockImplementation((line) => void lines.push(String(line)));
  try {
    await import(`../../../docs/examples/supervision/${name}`);
    await settle();
  } finally {
    log.mockRestore();
  }
  return lines.join('\n');
}

test('there is an example for every program of the guide, word for word', () => {
  const programs = [...guide.matchAll(/```ts\n(.*?)```/gs)].map(([, program = '']) => program);
  expect(programs.length).toBeGreaterThanOrEqual(examples.length);
  const texts = examples.map((name) => file(`docs/examples/supervision/${name}`));
  expect(programs.filter((program) => !texts.some((text) => text.includes(program)))).toEqual([]);
});

test.for(examples)('the example %s prints what the guide says', async (name) => {
  const printed = await outputOf(name);
  expect(guide).toContain(`\`\`\`text\n${printed}\n\`\`\``);
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
    return !files.every((path) => new RegExp(`['\`]S${rule} `).test(file(path)));
  });
  expect(untested).toEqual([]);
});

test('only rules about hot code upgrade and hibernation have no test', () => {
  expect(rows.filter(({ tests }) => tests === 'none').map(({ rule }) => rule)).toEqual([63, 79]);
});

test('the tests that the semantics name exist', () => {
  const semantics = file('docs/semantics-supervision.md').replaceAll(/\s+/g, ' ');
  const named = [...semantics.matchAll(/`(test\/[\w./-]+)`: "([^"]+)"/g)];
  expect(named.length).toBeGreaterThanOrEqual(16);
  const missing = named.filter(([, path = '', title = '']) => !file(path).includes(title)).map(([text]) => text);
  expect(missing).toEqual([]);
});
