import { existsSync, readFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { expect, test } from 'vitest';
import { filesIn, root } from './files.js';

const manifest: { readonly scripts: Readonly<Record<string, string>> } = JSON.parse(
  readFileSync(join(root, 'package.json'), 'utf8'),
);
const documents = filesIn([''], ['.md']);
const records = filesIn(['docs/adr/0'], ['.md']);

test('every script that a document names exists', () => {
  const unknown = documents.flatMap(({ path, text }) =>
    [...text.matchAll(/npm run ([a-z:]+)/g)].flatMap(([, script = '']) =>
      manifest.scripts[script] === undefined ? [`${path}: ${script}`] : [],
    ),
  );
  expect(unknown).toEqual([]);
});

test('every link from a document to a file leads somewhere', () => {
  const dead = documents.flatMap(({ path, text }) =>
    [...text.matchAll(/\]\((?!https?:|#)([^)#\s]+)/g)].flatMap(([, target = '']) =>
      existsSync(join(root, dirname(path), target)) ? [] : [`${path} -> ${target}`],
    ),
  );
  expect(dead).toEqual([]);
});

test('the programs in the README are those of the examples, which run', () => {
  const readme = readFileSync(join(root, 'README.md'), 'utf8');
  const programs = [...readme.matchAll(/```(?:ts|python)\n(.*?)```/gs)].map(([, program = '']) => program.trim());
  const examples = filesIn(['docs/examples/'], ['.ts', '.py']).map(({ text }) => text);
  expect(programs.length).toBeGreaterThan(2);
  expect(programs.filter((program) => !examples.some((text) => text.includes(program)))).toEqual([]);
});

test('a record of a decision has its five parts and stands in the list', () => {
  const list = readFileSync(join(root, 'docs/adr/README.md'), 'utf8');
  for (const { path, text } of records) {
    const parts = [...text.matchAll(/^## (.*)$/gm)].map(([, title]) => title);
    expect(parts, path).toEqual(['Context', 'Decision', 'Alternatives', 'Consequences', 'Test']);
    expect(list, path).toContain(`(${path.slice('docs/adr/'.length)})`);
  }
});

test('the tests that a record names exist', () => {
  for (const { path, text } of records) {
    const named = (text.split('## Test\n')[1] ?? '').replaceAll(/\s+/g, ' ');
    const files = [...named.matchAll(/`((?:test|python)\/[\w./-]+)`: ((?:"[^"]+"(?:, )?)+)/g)];
    expect(files.length, path).toBeGreaterThan(0);
    for (const [, file = '', titles = ''] of files) {
      const source = readFileSync(join(root, file), 'utf8');
      for (const [, title = ''] of titles.matchAll(/"([^"]+)"/g)) expect(source, `${path}: ${file}`).toContain(title);
    }
  }
});
