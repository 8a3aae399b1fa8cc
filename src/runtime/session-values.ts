/** Committed values of a session, as they travel with a call. */

import type { SessionId } from '../kernel/ids.js';
import { kindOfType } from '../variables/types/registry.js';
import type { Variable } from '../variables/variable.js';
import type { ReadVariables } from '../workers/python-port.js';
import type { TypedValue } from '../workers/recipe.js';

/** What a session has to offer for its values to travel; a `Session` is one. */
export interface ReadableSession {
  readonly id: SessionId;
  readonly revision: number;
  lookUp(reference: string): Variable | undefined;
}

/** Reads values of one revision: nothing is awaited between the reads. */
export const readerOf =
  (session: ReadableSession): ReadVariables =>
  (names) => {
    const variables = new Map<string, TypedValue>();
    for (const name of names) {
      const record = session.lookUp(name);
      if (record !== undefined) variables.set(name, { value: record.value, kind: kindOfType(record.type) });
    }
    return { variables, revision: session.revision };
  };
