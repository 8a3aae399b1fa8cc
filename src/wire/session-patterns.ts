/** Which sessions somebody may use, as globs over their ids. */

import { matchesGlob } from '../variables/names.js';

/** Whether one of the globs matches: `*` is any run of characters, `?` exactly one. */
export const matchesAny = (patterns: readonly string[], sessionId: string): boolean =>
  patterns.some((pattern) => pattern === '*' || matchesGlob(pattern, sessionId));
