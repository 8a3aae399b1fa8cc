/** The kinds of commands as data. */

import type { CommandType } from './commands.js';

const commandTypes: Readonly<Record<CommandType, true>> = Object.freeze({
  'variables.register': true,
  'variable.set': true,
  'variables.update': true,
  'variable.delete': true,
  'variable.rollback': true,
  'variable.configure': true,
  'dependency.add': true,
  'dependency.remove': true,
  'variable.compute': true,
  'variables.import': true,
  'optimization.start': true,
  'optimization.apply': true,
  'optimization.record': true,
  'optimization.end': true,
});

export const isCommandType = (type: unknown): type is CommandType =>
  typeof type === 'string' && Object.hasOwn(commandTypes, type);
