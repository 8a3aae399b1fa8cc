/**
 * DSPy signatures in the type system: `'question -> answer, score: float'` takes `{ question: string }` and gives
 * `{ answer: string; score: number }`. What TypeScript cannot read becomes `unknown`; Python has the last word.
 */

import { CoilyardError, describeValue } from '../kernel/errors.js';

/** The inputs of a signature. */
export type InputsOf<Signature extends string> = Signature extends `${infer Inputs}->${string}`
  ? Flatten<Fields<Inputs>>
  : Record<string, unknown>;

/** The outputs of a signature. */
export type OutputsOf<Signature extends string> = Signature extends `${string}->${infer Outputs}`
  ? Flatten<Fields<Outputs>>
  : Record<string, unknown>;

type Flatten<Fields> = { readonly [Name in keyof Fields]: Fields[Name] };

/** Fields stand between commas; a comma inside brackets (`dict[str, int]`) belongs to its field. */
type Fields<List extends string> = List extends `${infer Head},${infer Tail}`
  ? IsOpen<Head> extends true
    ? Fields<`${Head};${Tail}`>
    : Field<Head> & Fields<Tail>
  : Field<List>;

type IsOpen<Text extends string> = Text extends `${string}[${infer Inside}`
  ? Inside extends `${string}]${infer After}`
    ? IsOpen<After>
    : true
  : false;

type Field<Text extends string> =
  Trim<Text> extends `${infer Name}:${infer Annotation}`
    ? { [Key in Trim<Name>]: FieldType<Trim<Annotation>> }
    : Trim<Text> extends ''
      ? unknown
      : { [Key in Trim<Text>]: string };

type FieldType<Annotation extends string> = Annotation extends 'str'
  ? string
  : Annotation extends 'int' | 'float'
    ? number
    : Annotation extends 'bool'
      ? boolean
      : Annotation extends `Literal[${infer Members}]`
        ? Literal<Members>
        : Annotation extends `list[${infer Item}]` | `List[${infer Item}]`
          ? readonly FieldType<Trim<Item>>[]
          : Annotation extends `dict[${string}]` | `Dict[${string}]`
            ? Readonly<Record<string, unknown>>
            : unknown;

type Literal<Members extends string> = Members extends `${infer First};${infer Rest}`
  ? Unquote<Trim<First>> | Literal<Rest>
  : Unquote<Trim<Members>>;

type Unquote<Text extends string> = Text extends `'${infer Inside}'` | `"${infer Inside}"` ? Inside : unknown;

type Trim<Text extends string> = Text extends ` ${infer Rest}` | `${infer Rest} ` ? Trim<Rest> : Text;

const FIELD = /^[A-Za-z_][A-Za-z0-9_]*$/;

/**
 * Refuses what DSPy would refuse on first use: not exactly one arrow, a name that is no identifier, the same name twice.
 * Types are checked by Python.
 */
export function checkSignature(signature: string): void {
  const sides = typeof signature === 'string' ? signature.split('->') : [];
  if (sides.length !== 2) throw badSignature(signature, 'exactly one "->"');
  const names = sides.flatMap(fieldNames);
  for (const name of names)
    if (!FIELD.test(name)) throw badSignature(signature, `field names, ${describeValue(name)} is none`);
  if (new Set(names).size !== names.length) throw badSignature(signature, 'each field name once');
  if (fieldNames(sides[1] ?? '').length === 0) throw badSignature(signature, 'at least one output');
}

function fieldNames(side: string): string[] {
  const fields: string[] = [''];
  let depth = 0;
  for (const character of side) {
    if (character === '[') depth += 1;
    if (character === ']') depth -= 1;
    if (character === ',' && depth === 0) fields.push('');
    else fields[fields.length - 1] += character;
  }
  return fields
    .map((field) => field.split(':')[0]?.trim() ?? '')
    .filter((name, _index, all) => all.length > 1 || name !== '');
}

function badSignature(signature: unknown, expected: string): CoilyardError {
  return new CoilyardError('invalid_argument', `signature: expected ${expected}, got ${describeValue(signature)}`, {
    details: { field: 'signature', expected, actual: describeValue(signature) },
  });
}
