/** Variables, commands and their replies to the wire contract and back. What is missing or malformed is named. */

import type { Value } from '../gen/coilyard/v1/value.js';
import type * as wire from '../gen/coilyard/v1/variables.js';
import { CoilyardError, describeThrown } from '../kernel/errors.js';
import type {
  DeleteVariable,
  RegisterVariables,
  SetVariable,
  UpdateVariables,
  VariableSpec,
  Write,
  WriteOutcome,
} from '../variables/commands.js';
import { matchesGlob } from '../variables/names.js';
import { kindOfType } from '../variables/types/registry.js';
import type { HistoryEntry, Variable } from '../variables/variable.js';
import { encodeErrorDetail } from './error-detail.js';
import { decodeDependencySpec } from './dependencies.js';
import { boundedList, filledText, safeCount, wholeMs } from './fields.js';
import { decodeRules, encodeRule } from './settings.js';
import { decodeRecord, decodeValue, encodeValue, encodeRecord } from './value.js';
import { writer } from './writer.js';

const DEFAULT_HISTORY = 100;
/** Of one variable in one request. */
const MAX_DEPENDENCIES = 10_000;

export function encodeVariable(variable: Variable): wire.Variable {
  return {
    id: variable.id,
    name: variable.name,
    type: variable.type,
    value: encodeValueOf(variable.type, variable.value),
    version: BigInt(variable.version),
    revision: BigInt(variable.revision),
    constraints: encodeConstraints(variable),
    metadata: encodeRecord(variable.metadata),
    description: variable.description,
    readOnly: variable.readOnly,
    source: variable.source,
    createdAtMs: wholeMs(variable.createdAtMs),
    updatedAtMs: wholeMs(variable.updatedAtMs),
    accessRules: variable.accessRules.map(encodeRule),
    computed: variable.computed,
  };
}

/**
 * The committed value of a variable of that type: a whole number of a float variable travels as a float. One that has no
 * form on the wire, such as an integer of 5000 digits, is our failure and not the caller's: whatever was asked was done.
 */
export function encodeValueOf(type: string, value: unknown): Value {
  try {
    return encodeValue(value, kindOfType(type));
  } catch (cause) {
    throw new CoilyardError('internal', `a committed value cannot travel: ${describeThrown(cause)}`, {
      execution: 'done',
      cause,
    });
  }
}

/** @param type the variable's, which says how the value travels. */
export function encodeHistoryEntry(entry: HistoryEntry, type: string): wire.HistoryEntry {
  return {
    version: BigInt(entry.version),
    revision: BigInt(entry.revision),
    value: encodeValueOf(type, entry.value),
    updatedAtMs: wholeMs(entry.updatedAtMs),
    source: entry.source,
    metadata: encodeRecord(entry.metadata),
  };
}

export function encodeOutcome(outcome: WriteOutcome): wire.VariableOutcome {
  return {
    variable: outcome.variable,
    outcome: outcome.ok
      ? { $case: 'updated', value: encodeVariable(outcome.updated) }
      : { $case: 'error', value: encodeErrorDetail(outcome.error) },
  };
}

export function decodeRegister(request: wire.RegisterVariablesRequest): RegisterVariables {
  return {
    type: 'variables.register',
    ...writer(request),
    specs: request.variables.map((spec, index) => decodeSpec(spec, `variables[${index}]`)),
  };
}

export function decodeSet(request: wire.SetVariableRequest): SetVariable {
  return {
    type: 'variable.set',
    ...writer(request),
    ...decodeWrite(request, ''),
    metadata: decodeRecord(request.metadata, 'metadata'),
  };
}

/** The command without its writes, which {@link decodeWrite} decodes one by one: each may fail for itself. */
export function decodeUpdate(request: wire.UpdateVariablesRequest): Omit<UpdateVariables, 'writes'> {
  return {
    type: 'variables.update',
    ...writer(request),
    atomic: request.atomic,
    metadata: decodeRecord(request.metadata, 'metadata'),
  };
}

/** @param path what comes before the names of the fields in messages, such as `writes[3].`. */
export function decodeWrite(write: wire.VariableWrite, path: string): Write {
  const { kind, value } = decodeValue(write.value, `${path}value`);
  return {
    variable: filledText(write.variable, `${path}variable`),
    value,
    kind,
    ...(write.expectedVersion === undefined
      ? {}
      : { expectedVersion: safeCount(write.expectedVersion, `${path}expected_version`) }),
  };
}

export function decodeDelete(request: wire.DeleteVariableRequest): DeleteVariable {
  return {
    type: 'variable.delete',
    ...writer(request),
    variable: filledText(request.variable, 'variable'),
    cascade: request.cascade,
  };
}

/** Which variables a list has: those that agree with every part of the request that is not empty. */
export function decodeFilter(request: wire.ListVariablesRequest): (variable: Variable) => boolean {
  const { type, source, pattern } = request;
  return (variable) =>
    (type === '' || variable.type === type) &&
    (source === '' || variable.source === source) &&
    (pattern === '' || matchesGlob(pattern, variable.name));
}

/** Where to start and how many; 0 means {@link DEFAULT_HISTORY}. */
export function decodeHistoryRange(request: wire.GetVariableHistoryRequest): { limit: number; offset: number } {
  return { limit: request.limit === 0 ? DEFAULT_HISTORY : request.limit, offset: request.offset };
}

function decodeSpec(spec: wire.VariableSpec, path: string): VariableSpec {
  const { kind, value } = decodeValue(spec.initialValue, `${path}.initial_value`);
  return {
    name: filledText(spec.name, `${path}.name`),
    type: filledText(spec.type, `${path}.type`),
    initialValue: value,
    kind,
    constraints: decodeRecord(spec.constraints, `${path}.constraints`),
    description: spec.description,
    metadata: decodeRecord(spec.metadata, `${path}.metadata`),
    readOnly: spec.readOnly,
    dependencies: boundedList(spec.dependencies, `${path}.dependencies`, MAX_DEPENDENCIES).map((dependency, index) =>
      decodeDependencySpec(dependency, `${path}.dependencies[${index}]`),
    ),
    accessRules: decodeRules(spec.accessRules, `${path}.access_rules`),
  };
}

/** Bounds of a float variable are floats in every language. */
function encodeConstraints({ type, constraints }: Variable): wire.Variable['constraints'] {
  const encoded: wire.Variable['constraints'] = new Map();
  for (const [name, value] of Object.entries(constraints)) {
    const isBound = type === 'float' && typeof value === 'number';
    encoded.set(snakeCase(name), encodeValue(value, isBound ? 'float' : undefined, `constraints.${name}`));
  }
  return encoded;
}

const snakeCase = (name: string): string => name.replace(/[A-Z]/g, (letter) => `_${letter.toLowerCase()}`);
