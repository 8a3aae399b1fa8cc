/** Exports, imports and statistics to the wire contract and back. */

import type * as wire from '../gen/coilyard/v1/variables.js';
import { invalidArgument } from '../kernel/errors.js';
import { type ImportSummary, type MergeStrategy, mergeStrategies } from '../variables/transfer-document.js';
import { type ExportOptions, type TransferFormat, transferFormats } from '../variables/transfer-encode.js';
import { writer } from './writer.js';

export function decodeExport(request: wire.ExportVariablesRequest): ExportOptions {
  return {
    format: decodeFormat(request.format),
    includeHistory: request.includeHistory,
    includeDependencies: !request.withoutDependencies,
    ...(request.filterPattern === '' ? {} : { filterPattern: request.filterPattern }),
  };
}

export interface ImportRequest {
  readonly format: TransferFormat;
  readonly mergeStrategy: MergeStrategy;
  readonly dryRun: boolean;
  readonly source: string;
  readonly requestId?: string;
}

export function decodeImport(request: wire.ImportVariablesRequest): ImportRequest {
  return {
    ...writer(request),
    format: decodeFormat(request.format),
    mergeStrategy: decodeStrategy(request.mergeStrategy),
    dryRun: request.dryRun,
  };
}

export function encodeImported(summary: ImportSummary & { readonly revision: number }): wire.ImportVariablesResponse {
  return {
    revision: BigInt(summary.revision),
    imported: BigInt(summary.imported),
    skipped: BigInt(summary.skipped),
    errors: BigInt(summary.errors),
    details: summary.details.map(({ name, action, error }) => ({
      name,
      action,
      code: error?.code ?? '',
      message: error?.message ?? '',
      path: error?.path ?? '',
    })),
  };
}

export function encodeStats(
  revision: number,
  stats: {
    readonly readCount: number;
    readonly writeCount: number;
    readonly averageReadMs: number | null;
    readonly averageWriteMs: number | null;
    readonly optimizationMs: number;
  },
): wire.GetVariableStatsResponse {
  return {
    revision: BigInt(revision),
    readCount: BigInt(stats.readCount),
    writeCount: BigInt(stats.writeCount),
    avgReadLatencyMs: stats.averageReadMs ?? undefined,
    avgWriteLatencyMs: stats.averageWriteMs ?? undefined,
    totalOptimizationTimeS: stats.optimizationMs / 1000,
  };
}

function decodeFormat(word: string): TransferFormat {
  const format = transferFormats.find((known) => known === (word === '' ? 'json' : word));
  if (format === undefined) throw invalidArgument('format', `one of ${transferFormats.join(', ')}`, word);
  return format;
}

function decodeStrategy(word: string): MergeStrategy {
  const strategy = mergeStrategies.find((known) => known === (word === '' ? 'replace' : word));
  if (strategy === undefined) throw invalidArgument('merge_strategy', `one of ${mergeStrategies.join(', ')}`, word);
  return strategy;
}
