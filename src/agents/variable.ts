/** Declarations of an agent's variables; the value types are inferred from them. */

import { checkObject, reading } from '../kernel/arguments.js';
import type { Dtype, Tensor, TypedArray } from '../variables/tensor.js';
import type { Metadata } from '../variables/value.js';

/** A variable that an agent has from its start. `Value` is what `forward` sees. */
export interface VariableDeclaration<Value = unknown> {
  readonly type: string;
  readonly initialValue: Value;
  readonly constraints: Readonly<Record<string, unknown>>;
  readonly description?: string | undefined;
  readonly metadata?: Metadata | undefined;
  readonly readOnly?: boolean | undefined;
}

interface Common {
  readonly description?: string;
  readonly metadata?: Metadata;
  readonly readOnly?: boolean;
}

interface NumberOptions extends Common {
  readonly min?: number | bigint;
  readonly max?: number | bigint;
  /** Multiples of it, counted from `min` or 0. */
  readonly step?: number | bigint;
}

interface FloatOptions extends NumberOptions {
  /** Lets NaN and the infinities in. Default false. */
  readonly allowNan?: boolean;
}

interface TextOptions extends Common {
  readonly minLength?: number;
  readonly maxLength?: number;
  /** RE2 syntax, searched for anywhere in the text. */
  readonly pattern?: string;
}

interface ChoiceOptions<Choice extends string> extends Common {
  readonly choices: readonly Choice[];
}

interface ItemsOptions extends Common {
  readonly minItems?: number;
  readonly maxItems?: number;
}

interface EmbeddingOptions extends Common {
  readonly dimensions?: number;
  /** Scales to unit length; the zero vector stays as it is. */
  readonly normalize?: boolean;
}

interface TensorOptions extends Common {
  readonly shape?: readonly number[];
  readonly dtype?: Dtype;
}

export const variable = {
  float: (initial: number, options: FloatOptions = {}) => declare<number>('float', initial, options),

  integer: declareInteger,

  string: (initial: string, options: TextOptions & { readonly enum?: readonly string[] } = {}) =>
    declare<string>('string', initial, options),

  boolean: (initial: boolean, options: Common = {}) => declare<boolean>('boolean', initial, options),

  /** One of the choices, as their union. */
  choice: <const Choice extends string>(initial: NoInfer<Choice>, options: ChoiceOptions<Choice>) =>
    declare<Choice>('choice', initial, options),

  /** The name of one of the agent's modules. */
  module: <const Choice extends string>(initial: NoInfer<Choice>, options: ChoiceOptions<Choice>) =>
    declare<Choice>('module', initial, options),

  list: <Item = unknown>(initial: readonly Item[], options: ItemsOptions = {}) =>
    declare<readonly Item[]>('list', initial, options),

  map: <Fields extends Readonly<Record<string, unknown>> = Readonly<Record<string, unknown>>>(
    initial: Fields,
    options: ItemsOptions = {},
  ) => declare<Readonly<Fields>>('map', initial, options),

  /** Declared with numbers or a typed array; `forward` sees a `Tensor` of dtype `float32`. */
  embedding: (initial: TensorInput, options: EmbeddingOptions = {}) => declareTensor('embedding', initial, options),

  /** Declared with nested numbers, a typed array or a `Tensor`; `forward` sees a `Tensor`. */
  tensor: (initial: TensorInput, options: TensorOptions = {}) => declareTensor('tensor', initial, options),
} as const;

/** What casts to a tensor: numbers in lists as deep as it has dimensions, a typed array, or a tensor. */
export type TensorInput = Tensor | TypedArray | readonly number[] | readonly (readonly unknown[])[];

function declareTensor(type: string, initial: TensorInput, options: Common & object): VariableDeclaration<Tensor> {
  // The session makes a tensor of whatever was declared before anybody reads it.
  return declare<unknown>(type, initial, options) as VariableDeclaration<Tensor>;
}

/** Declared with a `number`, values are numbers; declared with a `bigint`, they may be either: big ones are `bigint`. */
function declareInteger(initial: number, options?: NumberOptions): VariableDeclaration<number>;
function declareInteger(initial: bigint, options?: NumberOptions): VariableDeclaration<number | bigint>;
function declareInteger(initial: number | bigint, options: NumberOptions = {}): VariableDeclaration<number | bigint> {
  return declare('integer', initial, options);
}

function declare<Value>(type: string, initialValue: Value, options: Common & object): VariableDeclaration<Value> {
  return reading('options', () => {
    checkObject('options', options);
    const { description, metadata, readOnly, ...constraints } = options;
    return Object.freeze({ type, initialValue, constraints, description, metadata, readOnly });
  });
}
