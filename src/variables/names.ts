/** Which names a variable may have, and globs over them. */

import { CoilyardError, describeValue } from '../kernel/errors.js';
import { err, ok, type Result } from '../kernel/result.js';
import { MAX_NAME_LENGTH } from './limits.js';

/** A letter or `_` first; `__proto__` and `constructor` are names like any other. */
const NAME = /^[\p{L}_][\p{L}\p{N}_.:/-]*$/u;
/** The form of an id: refused as a name, so that a reference is never ambiguous. */
const ID = /^var_.*_\d+$/;

export function checkName(name: unknown, maxLength: number = MAX_NAME_LENGTH): Result<string, CoilyardError> {
  if (typeof name === 'string' && name.length <= maxLength && NAME.test(name) && !ID.test(name)) return ok(name);
  const expected = `1 to ${maxLength} letters, digits or _ . : / - that start with a letter or _ and do not look like an id`;
  return err(
    new CoilyardError('invalid_argument', `name: expected ${expected}, got ${describeValue(name)}`, {
      details: { field: 'name', expected, actual: describeValue(name) },
    }),
  );
}

/**
 * A glob as a test: `*` matches any run of characters, `?` exactly one (a code point), nothing else is special. Linear in
 * the length of the name for each `*`, without backtracking into earlier stars.
 */
export function matchesGlob(pattern: string, name: string): boolean {
  let at = 0;
  let inName = 0;
  let star = -1;
  let resumeAt = 0;
  while (inName < name.length) {
    const wanted = pattern[at];
    if (wanted === '*') {
      star = at++;
      resumeAt = inName;
    } else if (wanted === '?') {
      at += 1;
      inName += (name.codePointAt(inName) ?? 0) > 0xffff ? 2 : 1;
    } else if (wanted === name[inName]) {
      at += 1;
      inName += 1;
    } else if (star >= 0) {
      at = star + 1;
      inName = ++resumeAt;
    } else return false;
  }
  while (pattern[at] === '*') at += 1;
  return at === pattern.length;
}
