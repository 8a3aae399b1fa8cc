/**
 * MyResearchAgent of the specification. There `init` registers variables and creates modules; here both are part of the
 * declaration, so that `reasoning_strategy` can only name a module that exists.
 */

import { defineAgent, dspy, variable } from 'coilyard';

export const Research = defineAgent({
  name: 'research',
  variables: {
    temperature: variable.float(0.7, { min: 0, max: 1.5 }),
    reasoning_strategy: variable.module('ChainOfThought', { choices: ['Predict', 'ChainOfThought'] }),
  },
  modules: {
    Predict: dspy.Predict('question -> answer'),
    ChainOfThought: dspy.ChainOfThought('question -> answer'),
  },
  async forward({ variables, modules }, input: { question: string }) {
    return modules.execute(variables.reasoning_strategy, input);
  },
});
