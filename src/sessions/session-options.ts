/** What the methods of a session take and give. */

import type { CoilyardError } from '../kernel/errors.js';
import type { AccessRuleInput } from '../variables/access.js';
import type { DependencySpec } from '../variables/commands.js';
import type { Compute } from '../variables/compute.js';
import type { DependencyType } from '../variables/graph.js';
import type { Metadata } from '../variables/value.js';
import type { ExecuteOptions } from './handle.js';

export interface RegisterOptions extends ExecuteOptions {
  readonly constraints?: Readonly<Record<string, unknown>> | undefined;
  readonly description?: string | undefined;
  readonly metadata?: Metadata | undefined;
  readonly readOnly?: boolean | undefined;
  /** Names or ids of what it depends on. */
  readonly dependencies?: readonly (string | DependencySpec)[] | undefined;
  readonly accessRules?: readonly AccessRuleInput[] | undefined;
  /** Makes the value out of those of the `data` dependencies, by name; the initial value is `undefined` then. */
  readonly compute?: Compute | undefined;
  readonly source?: string | undefined;
}

/** One entry of `session.registerMany`; a computed variable has no `initialValue`. */
export interface Registration extends Omit<RegisterOptions, keyof ExecuteOptions | 'source'> {
  readonly name: string;
  readonly type: string;
  readonly initialValue?: unknown;
}

/** Of commands that take nothing else. */
export interface CommandOptions extends ExecuteOptions {
  /** Who asks. Default `typescript`. */
  readonly source?: string | undefined;
}

export interface SetOptions extends CommandOptions {
  readonly metadata?: Metadata | undefined;
  /** The version that the caller has seen; 0 is a version. */
  readonly expectedVersion?: number | undefined;
}

export interface ModifyOptions extends Omit<SetOptions, 'expectedVersion'> {
  /** How often to try while others are faster. Default 100. */
  readonly attempts?: number | undefined;
}

export interface UpdateOptions extends CommandOptions {
  /** All or none. Default true. */
  readonly atomic?: boolean | undefined;
  readonly metadata?: Metadata | undefined;
}

export interface UpdateResult {
  /** Whether every write succeeded. */
  readonly ok: boolean;
  readonly revision: number;
  readonly results: ReadonlyMap<string, { readonly version: number } | CoilyardError>;
}

export interface RollbackOptions extends CommandOptions {
  /** Kept in the metadata of the new version. */
  readonly reason?: string | undefined;
  readonly expectedVersion?: number | undefined;
}

export interface DependencyOptions extends CommandOptions {
  /** Default `data`. */
  readonly type?: DependencyType | undefined;
  readonly metadata?: Metadata | undefined;
}

export interface ListOptions {
  readonly type?: string | undefined;
  readonly source?: string | undefined;
  /** A glob over names: `*` and `?` only. */
  readonly pattern?: string | undefined;
  /** Default true; without it the records come with empty metadata. */
  readonly includeMetadata?: boolean | undefined;
  /** At most so many, behind the first `offset`. Default all. */
  readonly limit?: number | undefined;
  readonly offset?: number | undefined;
}
