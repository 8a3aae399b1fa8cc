/** Dependencies between variables to the wire contract and back. */

import * as wire from '../gen/coilyard/v1/variables.js';
import { invalidArgument } from '../kernel/errors.js';
import type { AddDependency, DependencySpec, RemoveDependency } from '../variables/commands.js';
import { type DependencyType, dependencyTypes, isDependencyType } from '../variables/graph.js';
import { filledText } from './fields.js';
import { decodeRecord, encodeRecord } from './value.js';
import { writer } from './writer.js';

export function decodeDependencySpec(spec: wire.DependencySpec, path: string): DependencySpec {
  return {
    variable: filledText(spec.variable, `${path}.variable`),
    type: decodeType(spec.type, `${path}.type`),
    metadata: decodeRecord(spec.metadata, `${path}.metadata`),
  };
}

export function decodeAddDependency(request: wire.AddDependencyRequest): AddDependency {
  return {
    type: 'dependency.add',
    ...writer(request),
    from: filledText(request.from, 'from'),
    to: filledText(request.to, 'to'),
    dependencyType: decodeType(request.type, 'type'),
    metadata: decodeRecord(request.metadata, 'metadata'),
  };
}

export function decodeRemoveDependency(request: wire.RemoveDependencyRequest): RemoveDependency {
  return {
    type: 'dependency.remove',
    ...writer(request),
    from: filledText(request.from, 'from'),
    to: filledText(request.to, 'to'),
  };
}

/** Which end is asked for: what the variable depends on, unless the request says otherwise. */
export const asksForDependents = ({ direction }: wire.GetDependenciesRequest): boolean =>
  direction === wire.DependencyDirection.DEPENDENTS;

export function encodeDependency(info: {
  readonly name: string;
  readonly variableId: string;
  readonly type: DependencyType;
  readonly metadata: Readonly<Record<string, unknown>>;
}): wire.Dependency {
  const { name, variableId, type, metadata } = info;
  return { name, variableId, type, metadata: encodeRecord(metadata) };
}

function decodeType(word: string, field: string): DependencyType {
  if (word === '') return 'data';
  if (isDependencyType(word)) return word;
  throw invalidArgument(field, `one of ${dependencyTypes.join(', ')}`, word);
}
