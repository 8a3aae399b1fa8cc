/** Reads a document that may come from anywhere: whatever is wrong is refused with the path of the place. */

import { CoilyardError, invalidArgument } from '../kernel/errors.js';
import type { Result } from '../kernel/result.js';
import { parseRules } from './access.js';
import { parseExactJson } from './exact-json.js';
import { dependencyTypes, isDependencyType } from './graph.js';
import { copyMetadata, isPlainObject } from './plain-data.js';
import {
  type DependencyEntry,
  TRANSFER_FORMAT,
  TRANSFER_VERSION,
  type VariableEntry,
  type VariablesDocument,
  type VersionEntry,
} from './transfer-document.js';
import { transferFormats } from './transfer-encode.js';
import { readYaml } from './transfer-yaml.js';
import type { TypeRegistry } from './types/registry.js';
import { type Metadata, noMetadata } from './value.js';
import { HISTORY_LIMIT } from './variable.js';

/** Bytes of a document. */
export const MAX_DOCUMENT_BYTES = 16 * 1024 * 1024;

type Fields = Readonly<Record<string, unknown>>;

/** @throws CoilyardError `invalid_argument`, `validation_failed`, `unknown_type` or `payload_too_large`. */
export function decodeDocument(
  bytes: unknown,
  format: unknown,
  types: TypeRegistry,
  maxBytes: number = MAX_DOCUMENT_BYTES,
): VariablesDocument {
  const text = textOf(bytes, maxBytes);
  if (format !== 'json' && format !== 'yaml')
    throw invalidArgument('format', `one of ${transferFormats.join(', ')}`, format);
  const data = format === 'yaml' ? readYaml(text, 'document') : parseExactJson(text, 'document');
  const document = fieldsOf(data, 'document', [
    'format',
    'version',
    'session',
    'revision',
    'exportedAtMs',
    'variables',
    'dependencies',
  ]);
  if (document.format !== TRANSFER_FORMAT) throw invalidArgument('document.format', TRANSFER_FORMAT, document.format);
  if (document.version !== TRANSFER_VERSION)
    throw invalidArgument('document.version', `${TRANSFER_VERSION}, the only one there is`, document.version);
  const variables = listOf(document.variables, 'variables').map((entry, index) =>
    readVariable(entry, `variables[${index}]`, types),
  );
  refuseDoubles(variables);
  const dependencies = listOf(document.dependencies ?? [], 'dependencies').map((entry, index) =>
    readDependency(entry, `dependencies[${index}]`),
  );
  return { variables, dependencies };
}

function textOf(bytes: unknown, maxBytes: number): string {
  if (!(bytes instanceof Uint8Array)) throw invalidArgument('bytes', 'a Uint8Array', bytes);
  if (bytes.byteLength > maxBytes)
    throw new CoilyardError('payload_too_large', `bytes: expected at most ${maxBytes}, got ${bytes.byteLength}`, {
      details: { field: 'bytes', limit: maxBytes, actual: bytes.byteLength },
    });
  try {
    return new TextDecoder('utf-8', { fatal: true }).decode(bytes);
  } catch {
    throw invalidArgument('bytes', 'UTF-8 text', bytes);
  }
}

const variableFields = [
  'name',
  'type',
  'value',
  'version',
  'constraints',
  'description',
  'metadata',
  'updateMetadata',
  'readOnly',
  'computed',
  'accessRules',
  'source',
  'createdAtMs',
  'updatedAtMs',
  'history',
];

function readVariable(data: unknown, path: string, types: TypeRegistry): VariableEntry {
  const entry = fieldsOf(data, path, variableFields);
  const constraints = entry.constraints ?? {};
  const name = textField(entry.name, `${path}.name`);
  const typed = within(path, types.parse(textField(entry.type, `${path}.type`), constraints));
  const rules = within(path, parseRules(entry.accessRules, 'accessRules'));
  const version = countField(entry.version ?? 0, `${path}.version`);
  return {
    name,
    type: typed.type,
    value: decodeStored(entry.value, types.kindOf(typed.type), `${path}.value`),
    version,
    constraints: typed.constraints,
    description: textField(entry.description ?? '', `${path}.description`),
    metadata: metadataField(entry.metadata, path),
    updateMetadata: metadataField(entry.updateMetadata ?? (version === 0 ? entry.metadata : undefined), path),
    readOnly: flagField(entry.readOnly ?? false, `${path}.readOnly`),
    computed: flagField(entry.computed ?? false, `${path}.computed`),
    accessRules: rules,
    source: sourceField(entry.source, path),
    createdAtMs: timeField(entry.createdAtMs, `${path}.createdAtMs`),
    updatedAtMs: timeField(entry.updatedAtMs, `${path}.updatedAtMs`),
    history: readHistory(entry.history ?? [], `${path}.history`, version, types.kindOf(typed.type)),
  };
}

/** Versions rise, all below the present one. Those that would not be kept are passed over. */
function readHistory(data: unknown, path: string, present: number, kind: string): VersionEntry[] {
  let last = -1;
  const versions = listOf(data, path).map((item, index): VersionEntry => {
    const place = `${path}[${index}]`;
    const entry = fieldsOf(item, place, ['version', 'value', 'updatedAtMs', 'source', 'metadata']);
    const version = countField(entry.version, `${place}.version`);
    if (version <= last || version >= present)
      throw invalidArgument(`${place}.version`, `a version above ${last} and below ${present}`, version);
    last = version;
    return {
      version,
      value: decodeStored(entry.value, kind, `${place}.value`),
      updatedAtMs: timeField(entry.updatedAtMs, `${place}.updatedAtMs`),
      source: sourceField(entry.source, place),
      metadata: metadataField(entry.metadata, place),
    };
  });
  return versions.filter(({ version }) => version > present - HISTORY_LIMIT);
}

function readDependency(data: unknown, path: string): DependencyEntry {
  const entry = fieldsOf(data, path, ['from', 'to', 'type', 'metadata']);
  const type = entry.type ?? 'data';
  if (!isDependencyType(type)) throw invalidArgument(`${path}.type`, `one of ${dependencyTypes.join(', ')}`, type);
  return {
    from: textField(entry.from, `${path}.from`),
    to: textField(entry.to, `${path}.to`),
    type,
    metadata: metadataField(entry.metadata, path),
  };
}

const notFinite: Readonly<Record<string, number>> = Object.freeze({
  NaN: Number.NaN,
  Infinity: Number.POSITIVE_INFINITY,
  '-Infinity': Number.NEGATIVE_INFINITY,
});

/** Undoes what the export did to values that have no form of their own; everything else the type looks at. */
function decodeStored(value: unknown, kind: string, path: string): unknown {
  if (kind === 'float' && typeof value === 'string' && Object.hasOwn(notFinite, value)) return notFinite[value];
  if ((kind !== 'embedding' && kind !== 'tensor') || !isPlainObject(value) || value.base64 === undefined) return value;
  const { dtype, shape, base64 } = value;
  if (typeof base64 !== 'string' || !/^[A-Za-z0-9+/]*={0,2}$/.test(base64))
    throw invalidArgument(`${path}.base64`, 'bytes in base64', base64);
  return { dtype, shape, data: new Uint8Array(Buffer.from(base64, 'base64')) };
}

function refuseDoubles(variables: readonly VariableEntry[]): void {
  const seen = new Set<string>();
  for (const [index, { name }] of variables.entries()) {
    if (seen.has(name)) throw invalidArgument(`variables[${index}].name`, 'a name that comes once', name);
    seen.add(name);
  }
}

function fieldsOf(data: unknown, path: string, known: readonly string[]): Fields {
  if (!isPlainObject(data)) throw invalidArgument(path, 'a map by name', data);
  for (const key of Object.keys(data))
    if (!known.includes(key)) throw invalidArgument(`${path}.${key.slice(0, 80)}`, `one of ${known.join(', ')}`, key);
  // Without the prototype a missing field is missing, also one called `constructor`.
  return Object.assign(Object.create(null), data);
}

function listOf(data: unknown, path: string): readonly unknown[] {
  if (!Array.isArray(data)) throw invalidArgument(path, 'a list', data);
  return data;
}

function textField(value: unknown, path: string): string {
  if (typeof value !== 'string' || !value.isWellFormed()) throw invalidArgument(path, 'well-formed text', value);
  return value;
}

function flagField(value: unknown, path: string): boolean {
  if (typeof value !== 'boolean') throw invalidArgument(path, 'true or false', value);
  return value;
}

function countField(value: unknown, path: string): number {
  if (typeof value !== 'number' || !Number.isSafeInteger(value) || value < 0)
    throw invalidArgument(path, 'a whole number, 0 or more', value);
  return value;
}

function timeField(value: unknown, path: string): number {
  if (value === undefined) return 0;
  if (typeof value !== 'number' || !Number.isFinite(value) || value < 0)
    throw invalidArgument(path, 'milliseconds since the epoch', value);
  return value;
}

const MAX_SOURCE = 128;

function sourceField(value: unknown, path: string): string {
  if (value === undefined) return 'import';
  if (typeof value !== 'string' || value === '' || value.length > MAX_SOURCE || !value.isWellFormed())
    throw invalidArgument(`${path}.source`, `a text of 1 to ${MAX_SOURCE} characters`, value);
  return value;
}

const metadataField = (value: unknown, path: string): Metadata =>
  value === undefined ? noMetadata : within(path, copyMetadata(value, 'metadata'));

/** The value of a result, or its refusal with the place that it is about. */
function within<T>(path: string, result: Result<T, CoilyardError>): T {
  if (result.ok) return result.value;
  const { code, message, details } = result.error;
  throw new CoilyardError(code, `${path}.${message}`, { details: { ...details, path } });
}
