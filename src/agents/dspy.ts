/** DSPy modules as recipes: data that any worker can build, with the types of their signature. */

import { checkObject, reading } from '../kernel/arguments.js';
import { invalidArgument } from '../kernel/errors.js';
import type { Recipe } from '../workers/recipe.js';
import { checkSignature, type InputsOf, type OutputsOf } from './signature.js';

/** A module that an agent may run. `Inputs` and `Outputs` exist for the compiler only. */
export interface ModuleRecipe<Inputs = unknown, Outputs = unknown> {
  readonly recipe: Recipe;
  readonly types?: { readonly inputs: (inputs: Inputs) => void; readonly outputs: Outputs };
}

export interface ModuleOptions {
  /** What the module is told to do, before its fields. */
  readonly instructions?: string;
  /** Keyword arguments of the DSPy constructor. */
  readonly options?: Readonly<Record<string, unknown>>;
}

export interface ToolModuleOptions extends ModuleOptions {
  /** Names of Python tools (`@coilyard.tool`) that the module may call. */
  readonly tools?: readonly string[];
}

type Plain<Signature extends string> = ModuleRecipe<InputsOf<Signature>, OutputsOf<Signature>>;
type Reasoned<Signature extends string> = ModuleRecipe<
  InputsOf<Signature>,
  OutputsOf<Signature> & { readonly reasoning: string }
>;

export const dspy = {
  /** Asks for the outputs alone. */
  Predict: <const Signature extends string>(signature: Signature, options?: ModuleOptions): Plain<Signature> =>
    build('Predict', signature, options),

  /** Asks for the reasoning first; it is an output of its own. */
  ChainOfThought: <const Signature extends string>(
    signature: Signature,
    options?: ModuleOptions,
  ): Reasoned<Signature> => build('ChainOfThought', signature, options),

  /** Thinks and calls tools in turns, at most `options.max_iters` (20). */
  ReAct: <const Signature extends string>(signature: Signature, options?: ToolModuleOptions): Reasoned<Signature> =>
    build('ReAct', signature, options),

  /** Writes a program and runs it in a sandbox, which the Python side has to have. */
  ProgramOfThought: <const Signature extends string>(
    signature: Signature,
    options?: ModuleOptions,
  ): Reasoned<Signature> => build('ProgramOfThought', signature, options),

  /** What a Python factory registered with `@coilyard.module(name)` builds. */
  module: <const Signature extends string>(
    name: string,
    signature: Signature,
    options?: ToolModuleOptions,
  ): Plain<Signature> => build(name, signature, options),
} as const;

function build<Inputs, Outputs>(
  kind: string,
  signature: string,
  options: ToolModuleOptions = {},
): ModuleRecipe<Inputs, Outputs> {
  if (typeof kind !== 'string' || kind === '') throw invalidArgument('name', 'the name of a module', kind);
  checkSignature(signature);
  return reading('options', () => {
    checkObject('options', options);
    const { instructions, tools } = options;
    if (instructions !== undefined && typeof instructions !== 'string')
      throw invalidArgument('instructions', 'a text', instructions);
    if (options.options !== undefined) checkObject('options.options', options.options);
    if (tools !== undefined && !(Array.isArray(tools) && tools.every((tool) => typeof tool === 'string')))
      throw invalidArgument('tools', 'a list of names', tools);
    return Object.freeze({
      recipe: Object.freeze({
        kind,
        signature,
        ...(instructions === undefined ? {} : { instructions }),
        ...(options.options === undefined ? {} : { options: new Map(Object.entries(options.options)) }),
        ...(tools === undefined ? {} : { tools: Object.freeze([...tools]) }),
      }),
    });
  });
}
