/** Refuses commands that no typed caller could have made: what comes from plain JavaScript or from `actor.send`. */

import { type CoilyardError, invalidArgument } from '../kernel/errors.js';
import type { VariableCommand, VariableSpec, Write } from './commands.js';
import { dependencyTypes, isDependencyType } from './graph.js';
import { isLabel, LABEL } from './label.js';
import { malformedOptimization } from './optimization-shape.js';
import { mergeStrategies } from './transfer-document.js';
import type { ValueKind } from './value.js';

/** Why the command cannot be decided at all; `undefined` when it is well formed. */
export function malformed(command: VariableCommand): CoilyardError | undefined {
  const { source, requestId, principal, byRuleOnly } = command;
  if (principal !== undefined && !isLabel(principal)) return invalidArgument('principal', LABEL, principal);
  if (byRuleOnly !== undefined && typeof byRuleOnly !== 'boolean')
    return invalidArgument('byRuleOnly', 'true or false', byRuleOnly);
  if (!isLabel(source)) return invalidArgument('source', LABEL, source);
  if (requestId !== undefined && !isLabel(requestId)) return invalidArgument('request_id', LABEL, requestId);
  switch (command.type) {
    case 'variable.set':
      return malformedWrite(command);
    case 'variables.update':
      return malformedFlag('atomic', command.atomic) ?? malformedList('writes', command.writes, malformedWrite);
    case 'variables.register':
      return malformedList('variables', command.specs, malformedSpec);
    case 'variable.delete':
      return malformedReference(command.variable) ?? malformedFlag('cascade', command.cascade);
    case 'variable.rollback':
      return (
        malformedReference(command.variable) ??
        (command.version === undefined
          ? invalidArgument('version', 'a whole number, 0 or more', command.version)
          : malformedVersion(command.version, 'version')) ??
        malformedVersion(command.expectedVersion) ??
        malformedText('reason', command.reason)
      );
    case 'variable.configure':
      return malformedReference(command.variable) ?? malformedFlag('readOnly', command.readOnly);
    case 'dependency.add':
      return (
        malformedReference(command.from, 'from') ??
        malformedReference(command.to, 'to') ??
        malformedDependencyType(command.dependencyType)
      );
    case 'dependency.remove':
      return malformedReference(command.from, 'from') ?? malformedReference(command.to, 'to');
    case 'variable.compute':
      return malformedReference(command.variable) ?? malformedFunction(command.compute);
    case 'variables.import':
      return mergeStrategies.includes(command.mergeStrategy)
        ? malformedFlag('dryRun', command.dryRun)
        : invalidArgument('mergeStrategy', `one of ${mergeStrategies.join(', ')}`, command.mergeStrategy);
    case 'optimization.start':
    case 'optimization.apply':
    case 'optimization.record':
    case 'optimization.end':
      return malformedOptimization(command);
    default:
      return invalidArgument('type', 'a command of a session', Object(command).type);
  }
}

const malformedWrite = (write: Write): CoilyardError | undefined =>
  malformedReference(write.variable) ?? malformedVersion(write.expectedVersion) ?? malformedKind(write.kind);

const malformedSpec = (spec: VariableSpec): CoilyardError | undefined =>
  malformedKind(spec.kind) ??
  malformedFlag('readOnly', spec.readOnly) ??
  malformedText('description', spec.description) ??
  (spec.compute === undefined ? undefined : malformedFunction(spec.compute)) ??
  (spec.dependencies === undefined || Array.isArray(spec.dependencies)
    ? undefined
    : invalidArgument('dependencies', 'a list of variables', spec.dependencies));

const malformedText = (field: string, text: unknown): CoilyardError | undefined =>
  text === undefined || (typeof text === 'string' && text.isWellFormed())
    ? undefined
    : invalidArgument(field, 'well-formed text', text);

const malformedFunction = (compute: unknown): CoilyardError | undefined =>
  typeof compute === 'function' ? undefined : invalidArgument('compute', 'a function', compute);

const malformedDependencyType = (type: unknown): CoilyardError | undefined =>
  type === undefined || isDependencyType(type)
    ? undefined
    : invalidArgument('type', `one of ${dependencyTypes.join(', ')}`, type);

const malformedReference = (reference: unknown, field = 'variable'): CoilyardError | undefined =>
  typeof reference === 'string' ? undefined : invalidArgument(field, 'the name or id of a variable', reference);

const malformedKind = (kind: unknown): CoilyardError | undefined =>
  kind === undefined || (typeof kind === 'string' && Object.hasOwn(kinds, kind))
    ? undefined
    : invalidArgument('kind', `one of ${Object.keys(kinds).join(', ')}`, kind);

const kinds: Readonly<Record<ValueKind, true>> = Object.freeze({
  null: true,
  float: true,
  integer: true,
  text: true,
  boolean: true,
  module: true,
  json: true,
  embedding: true,
  tensor: true,
});

const malformedFlag = (field: string, flag: unknown): CoilyardError | undefined =>
  flag === undefined || typeof flag === 'boolean' ? undefined : invalidArgument(field, 'true or false', flag);

function malformedVersion(version: unknown, field = 'expectedVersion'): CoilyardError | undefined {
  if (version === undefined || (typeof version === 'number' && Number.isSafeInteger(version) && version >= 0))
    return undefined;
  return invalidArgument(field, 'a whole number, 0 or more', version);
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
