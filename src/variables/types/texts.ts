/** `string`, `boolean`, `choice` and `module`. */

import { describeValue } from '../../kernel/errors.js';
import { ok } from '../../kernel/result.js';
import { compilePattern, PATTERN_RULE } from '../pattern.js';
import type { Constraints } from '../variable.js';
import { type Cast, type ConstraintRule, type VariableType, wrongKind } from './variable-type.js';

const isText = (value: unknown): value is string => typeof value === 'string';

/** How many choices a refusal lists; its details have them all. */
const LISTED_CHOICES = 20;

const count = (word: 'minimum' | 'maximum'): ConstraintRule => ({
  expected: 'a whole number of characters, 0 or more',
  parse: (constraint) =>
    typeof constraint === 'number' && Number.isSafeInteger(constraint) && constraint >= 0 ? constraint : undefined,
  compile: (constraint) => (value) => {
    if (!isText(value) || typeof constraint !== 'number') return undefined;
    const length = lengthInCharacters(value);
    if (word === 'minimum') return length < constraint ? `length ${length} is below minimum ${constraint}` : undefined;
    return length > constraint ? `length ${length} is above maximum ${constraint}` : undefined;
  },
});

/** Unicode code points, as Python counts them. */
function lengthInCharacters(text: string): number {
  let length = text.length;
  for (let index = 0; index < text.length - 1; index += 1) {
    const unit = text.charCodeAt(index);
    if (unit >= 0xd800 && unit < 0xdc00) length -= 1;
  }
  return length;
}

const pattern: ConstraintRule = {
  expected: PATTERN_RULE,
  parse: (constraint) => (compilePattern(constraint) === undefined ? undefined : constraint),
  compile: (constraint) => {
    const expression = compilePattern(constraint);
    return (value) => {
      if (expression === undefined || !isText(value)) return undefined;
      if (value.length > expression.maxTextLength)
        return `length ${value.length} is above ${expression.maxTextLength}, the most that this pattern is matched with`;
      return expression.isIn(value)
        ? undefined
        : `value ${describeValue(value)} does not match pattern ${describeValue(constraint)}`;
    };
  },
};

const oneOf = (word: string): ConstraintRule => ({
  expected: 'a list of well-formed texts that is not empty',
  parse: (constraint) =>
    Array.isArray(constraint) &&
    constraint.length > 0 &&
    constraint.every((text) => isText(text) && text.isWellFormed())
      ? Object.freeze([...new Set<string>(constraint)])
      : undefined,
  compile: (constraint) => {
    const choices = new Set<unknown>(Array.isArray(constraint) ? constraint : []);
    return (value) =>
      choices.has(value) ? undefined : `value ${describeValue(value)} is not ${word}: ${listed(choices)}`;
  },
});

function listed(choices: ReadonlySet<unknown>): string {
  const first = [...choices].slice(0, LISTED_CHOICES).map(describeValue).join(', ');
  return choices.size > LISTED_CHOICES ? `${first} and ${choices.size - LISTED_CHOICES} more` : first;
}

const castText =
  (expected: string, kinds: readonly string[]) =>
  (_constraints: Constraints): Cast =>
  (value, kind) => {
    if (kind !== undefined && !kinds.includes(kind)) return wrongKind(expected, value, kind);
    if (!isText(value)) return wrongKind(expected, value, kind);
    return value.isWellFormed() ? ok(value) : wrongKind('well-formed text', value, kind);
  };

export const string: VariableType = {
  name: 'string',
  kind: 'text',
  rules: { minLength: count('minimum'), maxLength: count('maximum'), pattern, enum: oneOf('one of the allowed texts') },
  contradiction: ({ minLength, maxLength }) =>
    typeof minLength === 'number' && typeof maxLength === 'number' && minLength > maxLength
      ? `minLength ${minLength} is above maxLength ${maxLength}`
      : undefined,
  cast: castText('a text', ['text']),
};

export const boolean: VariableType = {
  name: 'boolean',
  kind: 'boolean',
  rules: {},
  cast: () => (value, kind) => (typeof value === 'boolean' ? ok(value) : wrongKind('true or false', value, kind)),
};

export const choice: VariableType = {
  name: 'choice',
  kind: 'text',
  rules: { choices: oneOf('one of the choices') },
  required: ['choices'],
  cast: castText('a text', ['text', 'module']),
};

/** The name of a module. Choices, when given, are checked here; that the module exists is checked when it is run. */
export const module: VariableType = {
  name: 'module',
  kind: 'module',
  rules: { choices: oneOf('one of the choices') },
  cast: castText('the name of a module', ['text', 'module']),
};
