/** Options with a name that nobody reads are a mistake of whoever wrote them. */

import { invalidArgument } from '../kernel/errors.js';
import { isPlainObject } from '../variables/plain-data.js';

export function refuseUnknown(where: string, options: object, names: readonly string[]): void {
  if (!isPlainObject(options)) throw invalidArgument(where, 'options by name', options);
  for (const key of Object.keys(options))
    if (!names.includes(key)) throw invalidArgument(`${where}.${key}`, `one of ${names.join(', ')}`, key);
}
