import { expect, test } from 'vitest';
import { documentsOf, examplesOf, outputOf, programOf, programsIn } from '../../support/guides.js';

const guide = documentsOf('docs/guides/optimization.md');
const examples = examplesOf('optimization');

test('every program of the guide is an example, word for word', () => {
  expect(programsIn(guide).sort()).toEqual(examples.map(programOf).sort());
});

test.for(examples)('the example $name prints what the guide says', async (example) => {
  expect(guide).toContain(`\`\`\`text\n${await outputOf(example)}\n\`\`\``);
});
