/**
 * What an export holds, as data. The form is versioned: whoever reads one knows what it says, and a later form is
 * refused instead of half understood.
 */

import type { AccessRule } from './access.js';
import type { DependencyType } from './graph.js';
import type { Metadata } from './value.js';
import type { Constraints } from './variable.js';

export const TRANSFER_FORMAT = 'coilyard.variables';
export const TRANSFER_VERSION = 1;

/** How a variable of the document meets one of the same name: it wins, it yields, or maps are joined and it wins. */
export type MergeStrategy = 'replace' | 'keep' | 'merge';

export const mergeStrategies: readonly MergeStrategy[] = Object.freeze(['replace', 'keep', 'merge']);

export interface VersionEntry {
  readonly version: number;
  /** As it is stored. */
  readonly value: unknown;
  readonly updatedAtMs: number;
  readonly source: string;
  readonly metadata: Metadata;
}

export interface VariableEntry {
  readonly name: string;
  readonly type: string;
  readonly value: unknown;
  readonly version: number;
  readonly constraints: Constraints;
  readonly description: string;
  readonly metadata: Metadata;
  /** What the write of the present version said about itself. */
  readonly updateMetadata: Metadata;
  readonly readOnly: boolean;
  /** Its function does not travel: it arrives as a plain variable with the value that it had. */
  readonly computed: boolean;
  readonly accessRules: readonly AccessRule[];
  readonly source: string;
  readonly createdAtMs: number;
  readonly updatedAtMs: number;
  /** Earlier versions, oldest first. */
  readonly history: readonly VersionEntry[];
}

/** Between variables by name. */
export interface DependencyEntry {
  readonly from: string;
  readonly to: string;
  readonly type: DependencyType;
  readonly metadata: Metadata;
}

export interface VariablesDocument {
  readonly variables: readonly VariableEntry[];
  readonly dependencies: readonly DependencyEntry[];
}

export interface ImportDetail {
  readonly name: string;
  readonly action: 'registered' | 'replaced' | 'merged' | 'kept' | 'refused';
  /** Only with `refused`. */
  readonly error?: { readonly code: string; readonly message: string; readonly path: string };
}

/** `errors` is above 0 only in a dry run: an import with an error is refused as a whole. */
export interface ImportSummary {
  readonly imported: number;
  readonly skipped: number;
  readonly errors: number;
  readonly details: readonly ImportDetail[];
}
