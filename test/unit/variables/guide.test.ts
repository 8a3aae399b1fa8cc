import { expect, test } from 'vitest';
import {
  documentsOf,
  examplesOf,
  missingTests,
  outputOf,
  programOf,
  programsIn,
  textOf,
} from '../../support/guides.js';

const documents = documentsOf('docs/guides/variables.md', 'docs/telemetry.md');
const examples = examplesOf('variables');

test('every program of the documents is an example, word for word', () => {
  expect(programsIn(documents).sort()).toEqual(examples.map(programOf).sort());
});

test.for(examples)('the example $name prints what the guide says', async (example) => {
  expect(documents).toContain(`\`\`\`text\n${await outputOf(example)}\n\`\`\``);
});

test('the tests that the semantics name exist', () => {
  const { named, missing } = missingTests(textOf('docs/semantics.md'));
  expect(named).toBeGreaterThanOrEqual(20);
  expect(missing).toEqual([]);
});
