/** The specification's research agent, with real DSPy in a real worker. */

import { afterAll, beforeAll, expect, test } from 'vitest';
import { type Runtime, startRuntime } from 'coilyard';
import { Research } from '../../docs/examples/research/agent.js';
import { directory } from '../../docs/examples/research/directory.js';

const question = 'What is Elixir?';
const answer = 'Elixir is a functional, concurrent language that runs on the Erlang virtual machine.';

let runtime: Runtime;

beforeAll(async () => {
  runtime = await startRuntime({
    python: { pools: { default: { size: 1, imports: ['research'], paths: [directory], env: { LM_MODEL: '' } } } },
  });
  await runtime.python.call('describe_model');
});

afterAll(async () => {
  const { killed } = await runtime.stop();
  expect(killed).toEqual([]);
});

test('the research agent starts with ChainOfThought, which answers with its reasoning', async () => {
  const agent = await runtime.start(Research);
  expect(await agent.run({ question })).toEqual({ reasoning: 'The question is about elixir.', answer });
});

test('the next run after a set uses the new strategy, and the one after the next set the old one again', async () => {
  const agent = await runtime.start(Research);
  const fieldsWith = async (strategy: string): Promise<string[]> => {
    await agent.session.set('reasoning_strategy', strategy);
    return Object.keys(await agent.run({ question })).sort();
  };
  expect(await fieldsWith('Predict')).toEqual(['answer']);
  expect(await fieldsWith('ChainOfThought')).toEqual(['answer', 'reasoning']);
  expect(await fieldsWith('Predict')).toEqual(['answer']);
});

test('a strategy that the agent does not have is refused, and the next run goes on with the present one', async () => {
  const agent = await runtime.start(Research);
  await expect(agent.session.set('reasoning_strategy', 'ReAct')).rejects.toMatchObject({
    code: 'constraint_violation',
  });
  expect(agent.session.variable('reasoning_strategy').version).toBe(0);
  expect(await agent.run({ question })).toHaveProperty('reasoning');
});

test('agents that run at the same time keep to their own strategies', async () => {
  const [thinking, plain] = await Promise.all([runtime.start(Research), runtime.start(Research)]);
  await plain.session.set('reasoning_strategy', 'Predict');
  const answers = await Promise.all([0, 1, 2, 3].flatMap(() => [thinking.run({ question }), plain.run({ question })]));
  expect(answers.map((fields) => 'reasoning' in fields)).toEqual([true, false, true, false, true, false, true, false]);
});
