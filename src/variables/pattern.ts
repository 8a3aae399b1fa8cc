/**
 * Regular expressions that users supply. They are RE2's, searched for anywhere in a text (`re.search`): no text can make
 * them backtrack. Matching still costs the size of the pattern times the length of the text, so both are bounded.
 */

import { RE2JS } from 're2js';

const MAX_LENGTH = 1000;
/** Steps of the engine for one text: about a fifth of a second. */
const MAX_STEPS = 10_000_000;

/** What {@link compilePattern} accepts, in words, for messages. */
export const PATTERN_RULE = `a regular expression in RE2 syntax of at most ${MAX_LENGTH} characters`;

export interface Pattern {
  /** Characters of the longest text that it may be given. */
  readonly maxTextLength: number;
  isIn(text: string): boolean;
}

/** `undefined` when it is no such expression. */
export function compilePattern(expression: unknown): Pattern | undefined {
  if (typeof expression !== 'string' || expression.length > MAX_LENGTH || !expression.isWellFormed()) return undefined;
  let compiled: RE2JS;
  try {
    compiled = RE2JS.compile(expression);
  } catch {
    // The library says no by throwing; whoever asked names the field and what was expected.
    return undefined;
  }
  return {
    maxTextLength: Math.floor(MAX_STEPS / compiled.programSize()),
    isIn: (text) => compiled.matcher(text).find(),
  };
}
