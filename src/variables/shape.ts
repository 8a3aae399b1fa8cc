/** Refuses commands that no typed caller could have made: what comes from plain JavaScript or from `actor.send`. */

import { type CoilyardError, invalidArgument } from '../kernel/errors.js';
import type { VariableCommand } from './commands.js';

/** Why the command cannot be decided at all; `undefined` when it is well formed. */
export function malformed(command: VariableCommand): CoilyardError | undefined {
  switch (command.type) {
    case 'variable.set':
      return malformedReference('variable', command.variable) ?? malformedVersion(command.expectedVersion);
    case 'variables.update':
      return malformedList(
        'writes',
        command.writes,
        (write) => malformedReference('variable', write.variable) ?? malformedVersion(write.expectedVersion),
      );
    case 'variables.register':
      return malformedList('variables', command.specs, () => undefined);
    case 'variable.delete':
      return malformedReference('variable', command.variable);
    default:
      return invalidArgument('type', 'a command of a session', Object(command).type);
  }
}

const malformedReference = (field: string, reference: unknown): CoilyardError | undefined =>
  typeof reference === 'string' ? undefined : invalidArgument(field, 'the name or id of a variable', reference);

function malformedVersion(version: unknown): CoilyardError | undefined {
  if (version === undefined || (typeof version === 'number' && Number.isSafeInteger(version) && version >= 0))
    return undefined;
  return invalidArgument('expectedVersion', 'a whole number, 0 or more', version);
}

function malformedList<Item>(
  field: string,
  list: readonly Item[],
  malformedItem: (item: Item) => CoilyardError | undefined,
): CoilyardError | undefined {
  if (!Array.isArray(list)) return invalidArgument(field, 'a list', list);
  for (const [index, item] of list.entries()) {
    if (typeof item !== 'object' || item === null) return invalidArgument(`${field}[${index}]`, 'an object', item);
    const error = malformedItem(item);
    if (error !== undefined) return error;
  }
  return undefined;
}
