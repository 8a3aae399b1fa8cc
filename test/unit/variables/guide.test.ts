import { readdirSync, readFileSync } from 'node:fs';
import { expect, test, vi } from 'vitest';
import { format } from 'node:util';
import { settle } from '../../../src/testing/manual-clock.js';

const file = (path: string): string => readFileSync(new URL(`../../../${path}`, import.meta.url), 'utf8');
const examples = readdirSync(new URL('../../../docs/examples/variables', import.meta.url));
const documents = [file('docs/guides/variables.md'), file('docs/telemetry.md')];

async function outputOf(name: string): Promise<string> {
  const lines: string[] = [];
  const log = vi.spyOn(console, 'log').mockImplementation((...words) => void lines.push(format(...words)));
  try {
    await import(`../../../docs/examples/variables/${name}`);
    await settle();
  } finally {
    log.mockRestore();
  }
  return lines.join('\n');
}

test('every program of the documents is an example, word for word', () => {
  const programs = documents.flatMap((text) =>
    [...text.matchAll(/```ts\n(.*?)```/gs)].map(([, program = '']) => program),
  );
  const texts = examples.map((name) => file(`docs/examples/variables/${name}`));
  expect(programs.length).toBe(examples.length);
  expect(programs.filter((program) => !texts.includes(program))).toEqual([]);
});

test.for(examples)('the example %s prints what the documents say', async (name) => {
  const printed = await outputOf(name);
  expect(documents.join('\n')).toContain(`\`\`\`text\n${printed}\n\`\`\``);
});

test('the tests that the semantics name exist', () => {
  const semantics = file('docs/semantics.md').replaceAll(/\s+/g, ' ');
  const named = [...semantics.matchAll(/`(test\/[\w./-]+)`: "([^"]+)"/g)];
  expect(named.length).toBeGreaterThanOrEqual(20);
  expect(named.filter(([, path = '', title = '']) => !file(path).includes(title)).map(([text]) => text)).toEqual([]);
});
