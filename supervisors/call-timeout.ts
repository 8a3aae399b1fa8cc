/** How long somebody waits, out of the options of a call. */

import { checkObject, checkOptionalTimeout, unreadableArgument } from '../src/kernel/arguments.js';

/** @throws `invalid_argument` for what is no number of milliseconds; `Infinity` is one. */
export function timeoutIn<Name extends string>(
  options: { readonly [name in Name]?: number },
  name: Name,
  otherwise: number,
): number {
  try {
    checkObject('options', options);
    const timeoutMs = options[name];
    checkOptionalTimeout(name, timeoutMs);
    return timeoutMs ?? otherwise;
  } catch (error) {
    throw unreadableArgument('options', error);
  }
}
