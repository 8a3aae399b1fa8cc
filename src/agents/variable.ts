/** Declarations of an agent's variables; the value types are inferred from them. */

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
} as const;

/** Declared with a `number`, values are numbers; declared with a `bigint`, they may be either: big ones are `bigint`. */
function declareInteger(initial: number, options?: NumberOptions): VariableDeclaration<number>;
function declareInteger(initial: bigint, options?: NumberOptions): VariableDeclaration<number | bigint>;
function declareInteger(initial: number | bigint, options: NumberOptions = {}): VariableDeclaration<number | bigint> {
  return declare('integer', initial, options);
}

function declare<Value>(type: string, initialValue: Value, options: Common & object): VariableDeclaration<Value> {
  const { description, metadata, readOnly, ...constraints } = options;
  return Object.freeze({ type, initialValue, constraints, description, metadata, readOnly });
}
