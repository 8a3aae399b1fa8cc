/** The variable and its records. A record is never changed: an update makes a new one, and history keeps the old. */

import type { VariableId } from '../kernel/ids.js';
import type { AccessRule } from './access.js';
import type { Metadata } from './value.js';

/** Names of the types that are built in. Users add more with `defineType`. */
export type BuiltInTypeName =
  | 'float'
  | 'integer'
  | 'string'
  | 'boolean'
  | 'choice'
  | 'module'
  | 'list'
  | 'map'
  | 'embedding'
  | 'tensor';

/** Constraints by name, in camelCase, as their type understands them. */
export type Constraints = Readonly<Record<string, unknown>>;

/** One version of one variable. */
export interface Variable {
  readonly id: VariableId;
  readonly name: string;
  readonly type: string;
  readonly value: unknown;
  /** 0 after registration, one more with every update. */
  readonly version: number;
  /** The session's revision at which this record was committed: a new version, or new settings of the same one. */
  readonly revision: number;
  readonly constraints: Constraints;
  /** Merged from registration and every update since. */
  readonly metadata: Metadata;
  readonly description: string;
  readonly readOnly: boolean;
  /** Its value is made by a function of its dependencies; nobody else writes it. */
  readonly computed: boolean;
  /** Who may do what; empty: everybody everything. */
  readonly accessRules: readonly AccessRule[];
  /** Who wrote this version: `typescript`, `python`, or what the writer called itself. */
  readonly source: string;
  readonly createdAtMs: number;
  readonly updatedAtMs: number;
  /** What the write of this version said about itself. */
  readonly updateMetadata: Metadata;
}

/** One earlier or present version, as `session.history` gives it. */
export interface HistoryEntry {
  readonly version: number;
  readonly revision: number;
  readonly value: unknown;
  readonly updatedAtMs: number;
  readonly source: string;
  readonly metadata: Metadata;
  /** `metadata.optimizer_id`, of a version that an optimizer has written. */
  readonly optimizerId?: string;
  /** `metadata.metrics` of such a version. */
  readonly metrics?: Metadata;
}

/** How many versions of a variable are kept, the present one included. */
export const HISTORY_LIMIT = 100;
