/** What the compiler infers from an agent's declaration. Checked by `npm run types`; nothing here runs. */

import {
  type Agent,
  defineAgent,
  dspy,
  type InputsOf,
  type OutputsOf,
  startRuntime,
  type Tensor,
  variable,
} from 'coilyard';

type Equal<A, B> = (<T>() => T extends A ? 1 : 2) extends <T>() => T extends B ? 1 : 2 ? true : false;
const same = <A, B>(_proof: Equal<A, B>): void => {};

same<InputsOf<'question -> answer'>, { readonly question: string }>(true);
same<
  OutputsOf<'question -> answer, score: float, sure: bool'>,
  {
    readonly answer: string;
    readonly score: number;
    readonly sure: boolean;
  }
>(true);
same<
  OutputsOf<'q -> tags: list[str], kind: Literal["a", "b"]'>,
  {
    readonly tags: readonly string[];
    readonly kind: 'a' | 'b';
  }
>(true);
same<
  InputsOf<'rows: dict[str, int], q -> a'>,
  { readonly rows: Readonly<Record<string, unknown>>; readonly q: string }
>(true);

const Typed = defineAgent({
  name: 'typed',
  variables: {
    temperature: variable.float(0.7),
    count: variable.integer(3),
    big: variable.integer(3n),
    flag: variable.boolean(true),
    model: variable.choice('small', { choices: ['small', 'large'] }),
    strategy: variable.module('Predict', { choices: ['Predict', 'ChainOfThought'] }),
    tags: variable.list(['a']),
    settings: variable.map({ depth: 1 }),
    context: variable.embedding([1, 0, 0], { dimensions: 3, normalize: true }),
  },
  modules: {
    Predict: dspy.Predict('question -> answer'),
    ChainOfThought: dspy.ChainOfThought('question -> answer'),
  },
  async forward({ variables, modules }, input: { question: string }) {
    same<typeof variables.temperature, number>(true);
    same<typeof variables.count, number>(true);
    same<typeof variables.big, number | bigint>(true);
    same<typeof variables.flag, boolean>(true);
    same<typeof variables.model, 'small' | 'large'>(true);
    same<typeof variables.tags, readonly string[]>(true);
    same<typeof variables.settings, Readonly<{ depth: number }>>(true);
    same<typeof variables.context, Tensor>(true);
    same<typeof variables.strategy, 'Predict' | 'ChainOfThought'>(true);
    // @ts-expect-error: there is no such module
    await modules.execute('Refine', input);
    // @ts-expect-error: the signature wants a question
    await modules.execute('Predict', { query: 'x' });
    const { answer } = await modules.execute(variables.strategy, input);
    return answer.length;
  },
});

async function runs(): Promise<void> {
  await using runtime = await startRuntime();
  const agent = await runtime.start(Typed);
  same<Awaited<ReturnType<typeof agent.run>>, number>(true);
  same<Parameters<typeof agent.run>[0], { question: string }>(true);
  // @ts-expect-error: the input is missing
  await agent.run({});
  // @ts-expect-error: not one of the choices
  variable.choice('medium', { choices: ['small', 'large'] });
}

export type { Agent };
export { runs };
