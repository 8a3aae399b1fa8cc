/** The variables of a session that travel with a call because its tools ask for them. */

import type { CallRequest } from './ledger.js';
import type { ReadVariables } from './python-port.js';

/** The variables of a call together with those that its tools are given besides. */
export function withRead(
  { variables }: Pick<CallRequest, 'variables'>,
  read: ReadVariables | undefined,
  needed: readonly string[],
): Partial<Pick<CallRequest, 'variables' | 'revision'>> {
  const missing = needed.filter((name) => !variables.has(name));
  if (read === undefined || missing.length === 0) return {};
  const found = read(missing);
  return { variables: new Map([...variables, ...found.variables]), revision: found.revision };
}
