/** `string`, `boolean`, `choice` and `module`. */

import { RE2JS } from 're2js';
import { describeValue } from '../../kernel/errors.js';
import { ok } from '../../kernel/result.js';
import type { Constraints } from '../variable.js';
import { type Cast, type ConstraintRule, type VariableType, wrongKind } from './variable-type.js';

const isText = (value: unknown): value is string => typeof value === 'string';

/** Matching costs the length of the text times that of the pattern. */
const MAX_PATTERN_LENGTH = 1000;
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

/** RE2 syntax, searched for anywhere in the value (`re.search`), in time linear in its length. */
const pattern: ConstraintRule = {
  expected: `a regular expression in RE2 syntax of at most ${MAX_PATTERN_LENGTH} characters`,
  parse: (constraint) => (isText(constraint) && compiled(constraint) !== undefined ? constraint : undefined),
  compile: (constraint) => {
    const expression = isText(constraint) ? compiled(constraint) : undefined;
    return (value) =>
      expression === undefined || !isText(value) || expression.matcher(value).find()
        ? undefined
        : `value ${describeValue(value)} does not match pattern ${describeValue(constraint)}`;
  },
};

function compiled(expression: string): RE2JS | undefined {
  if (expression.length > MAX_PATTERN_LENGTH || !expression.isWellFormed()) return undefined;
  try {
    return RE2JS.compile(expression);
  } catch {
    // The library says no by throwing; the refusal names the constraint and what was expected.
    return undefined;
  }
}

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
