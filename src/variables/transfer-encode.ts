/** Variables as a document to take along. */

import { invalidArgument } from '../kernel/errors.js';
import { stringifyExactJson } from './exact-json.js';
import type { GraphView } from './graph.js';
import { compilePattern, PATTERN_RULE } from './pattern.js';
import { Tensor } from './tensor.js';
import { TRANSFER_FORMAT, TRANSFER_VERSION } from './transfer-document.js';
import { writeYaml } from './transfer-yaml.js';
import type { Variable } from './variable.js';

export type TransferFormat = 'json' | 'yaml';

export const transferFormats: readonly TransferFormat[] = Object.freeze(['json', 'yaml']);

export interface ExportOptions {
  /** Default `json`. */
  readonly format?: TransferFormat | undefined;
  /** Earlier versions too, as far as they are kept. Default false. */
  readonly includeHistory?: boolean | undefined;
  /** Default true: dependencies between exported variables. */
  readonly includeDependencies?: boolean | undefined;
  /** A regular expression in RE2 syntax, searched for anywhere in the name. */
  readonly filterPattern?: string | undefined;
}

export interface Exported {
  readonly session: string;
  readonly revision: number;
  readonly atMs: number;
  readonly graph: GraphView;
  /** In order of registration, each with its earlier versions, oldest first. */
  readonly variables: readonly { readonly record: Variable; readonly earlier: readonly Variable[] }[];
}

/** @throws CoilyardError `invalid_argument` for options that are malformed. */
export function encodeDocument(exported: Exported, options: ExportOptions): Uint8Array {
  const { format = 'json' } = options;
  if (!transferFormats.includes(format))
    throw invalidArgument('format', `one of ${transferFormats.join(', ')}`, format);
  const wanted = nameFilter(options.filterPattern);
  const chosen = exported.variables.filter(({ record }) => wanted(record.name));
  const document = {
    format: TRANSFER_FORMAT,
    version: TRANSFER_VERSION,
    session: exported.session,
    revision: exported.revision,
    exportedAtMs: exported.atMs,
    variables: chosen.map(({ record, earlier }) =>
      encodeVariable(record, options.includeHistory === true ? earlier : []),
    ),
    ...(options.includeDependencies === false
      ? {}
      : {
          dependencies: encodeDependencies(
            exported.graph,
            chosen.map(({ record }) => record),
          ),
        }),
  };
  const text = format === 'yaml' ? writeYaml(document) : stringifyExactJson(document, 'document');
  return new TextEncoder().encode(text);
}

/** Linear in the length of the name whatever the pattern. */
export function nameFilter(pattern: unknown): (name: string) => boolean {
  if (pattern === undefined) return () => true;
  const expression = compilePattern(pattern);
  if (expression === undefined) throw invalidArgument('filterPattern', PATTERN_RULE, pattern);
  return (name) => expression.isIn(name);
}

const isEmpty = (map: object): boolean => Object.keys(map).length === 0;

function encodeVariable(record: Variable, earlier: readonly Variable[]): unknown {
  const { name, type, version, constraints, description, metadata, readOnly, computed, accessRules } = record;
  const { source, createdAtMs, updatedAtMs, updateMetadata } = record;
  return {
    name,
    type,
    value: encodeStored(record.value),
    version,
    ...(isEmpty(constraints) ? {} : { constraints }),
    ...(description === '' ? {} : { description }),
    ...(isEmpty(metadata) ? {} : { metadata }),
    ...(updateMetadata === metadata || isEmpty(updateMetadata) ? {} : { updateMetadata }),
    ...(readOnly ? { readOnly } : {}),
    ...(computed ? { computed } : {}),
    ...(accessRules.length === 0 ? {} : { accessRules }),
    source,
    createdAtMs,
    updatedAtMs,
    ...(earlier.length === 0 ? {} : { history: earlier.map(encodeVersion) }),
  };
}

const encodeVersion = ({ version, value, updatedAtMs, source, updateMetadata }: Variable): unknown => ({
  version,
  value: encodeStored(value),
  updatedAtMs,
  source,
  ...(isEmpty(updateMetadata) ? {} : { metadata: updateMetadata }),
});

/** What neither form can say becomes something that it can; the type says how to read it. */
function encodeStored(value: unknown): unknown {
  if (value instanceof Tensor)
    return { dtype: value.dtype, shape: value.shape, base64: Buffer.from(value.toBytes()).toString('base64') };
  if (typeof value === 'number' && !Number.isFinite(value)) return String(value);
  return value;
}

function encodeDependencies(graph: GraphView, records: readonly Variable[]): unknown {
  const names = new Map<string, string>(records.map(({ id, name }) => [id, name]));
  const edges: unknown[] = [];
  for (const { id, name } of records)
    for (const { to, type, metadata } of graph.dependencies(id)) {
      const other = names.get(to);
      if (other === undefined) continue;
      edges.push({ from: name, to: other, type, ...(isEmpty(metadata) ? {} : { metadata }) });
    }
  return edges;
}
