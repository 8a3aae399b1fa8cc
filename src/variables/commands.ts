/** What can be asked of a session, and what it answers. Every variable is meant by its name or by its id. */

import type { CoilyardError } from '../kernel/errors.js';
import type { AccessRule, AccessRuleInput } from './access.js';
import type { Command } from './command.js';
import type { Compute } from './compute.js';
import type { DependencyType } from './graph.js';
import type { OptimizationCommand, OptimizationReplies } from './optimization-commands.js';
import type { ImportSummary, MergeStrategy, VariablesDocument } from './transfer-document.js';
import type { Metadata, ValueKind } from './value.js';
import type { Variable } from './variable.js';

export interface VariableSpec {
  readonly name: string;
  readonly type: string;
  /** None for a computed variable. */
  readonly initialValue?: unknown;
  /** The kind that the wire gave the initial value; absent from TypeScript. */
  readonly kind?: ValueKind | undefined;
  readonly constraints?: Readonly<Record<string, unknown>> | undefined;
  readonly description?: string | undefined;
  readonly metadata?: Metadata | undefined;
  readonly readOnly?: boolean | undefined;
  /** What it depends on: variables of the session or of the same command. */
  readonly dependencies?: readonly (string | DependencySpec)[] | undefined;
  readonly accessRules?: readonly (AccessRule | AccessRuleInput)[] | undefined;
  /** Makes the value out of the dependencies of type `data`; there is no initial value then. Only from TypeScript. */
  readonly compute?: Compute | undefined;
}

export interface DependencySpec {
  readonly variable: string;
  /** Default `data`. */
  readonly type?: DependencyType | undefined;
  readonly metadata?: Metadata | undefined;
}

export interface Write {
  readonly variable: string;
  readonly value: unknown;
  readonly kind?: ValueKind | undefined;
  /** The version that the writer has seen; 0 is a version. */
  readonly expectedVersion?: number | undefined;
}

export interface RegisterVariables extends Command<'variables.register'> {
  readonly specs: readonly VariableSpec[];
}
export interface SetVariable extends Command<'variable.set'>, Write {
  readonly metadata?: Metadata | undefined;
}
export interface UpdateVariables extends Command<'variables.update'> {
  readonly writes: readonly Write[];
  /** All or none; otherwise each write for itself. */
  readonly atomic: boolean;
  readonly metadata?: Metadata | undefined;
}
export interface DeleteVariable extends Command<'variable.delete'> {
  readonly variable: string;
  readonly cascade?: boolean | undefined;
}

/** Writes the value of an earlier version as a new version. */
export interface RollbackVariable extends Command<'variable.rollback'> {
  readonly variable: string;
  readonly version: number;
  readonly reason?: string | undefined;
  readonly expectedVersion?: number | undefined;
}
/** Changes settings; what is absent stays. The value and its version stay too. */
export interface ConfigureVariable extends Command<'variable.configure'> {
  readonly variable: string;
  /** All constraints, not those that change. The present value has to satisfy them. */
  readonly constraints?: Readonly<Record<string, unknown>> | undefined;
  readonly readOnly?: boolean | undefined;
  readonly accessRules?: readonly (AccessRule | AccessRuleInput)[] | undefined;
}
/** `from` depends on `to`; a dependency between the two that is there already is replaced. */
export interface AddDependency extends Command<'dependency.add'> {
  readonly from: string;
  readonly to: string;
  /** Default `data`. */
  readonly dependencyType?: DependencyType | undefined;
  readonly metadata?: Metadata | undefined;
}
export interface RemoveDependency extends Command<'dependency.remove'> {
  readonly from: string;
  readonly to: string;
}
/** Gives a computed variable its function again, after the process that had it has ended. */
export interface ComputeVariable extends Command<'variable.compute'> {
  readonly variable: string;
  readonly compute: Compute;
}
export interface ImportVariables extends Command<'variables.import'> {
  readonly document: VariablesDocument;
  readonly mergeStrategy: MergeStrategy;
  /** Says what would happen, and lets nothing happen. */
  readonly dryRun?: boolean | undefined;
}

export type VariableCommand =
  | RegisterVariables
  | SetVariable
  | UpdateVariables
  | DeleteVariable
  | RollbackVariable
  | ConfigureVariable
  | AddDependency
  | RemoveDependency
  | ComputeVariable
  | ImportVariables
  | OptimizationCommand;

/** The outcome of one write of a batch, in the order of the request. */
export type WriteOutcome = { readonly variable: string } & (
  | { readonly ok: true; readonly updated: Variable }
  | { readonly ok: false; readonly error: CoilyardError }
);

/** The reply to each command. `revision` is the session's after the command. */
export interface Replies extends OptimizationReplies {
  'variables.register': { readonly revision: number; readonly variables: readonly Variable[] };
  'variable.set': { readonly revision: number; readonly variable: Variable };
  'variables.update': { readonly revision: number; readonly ok: boolean; readonly outcomes: readonly WriteOutcome[] };
  'variable.delete': { readonly revision: number };
  'variable.rollback': { readonly revision: number; readonly variable: Variable };
  'variable.configure': { readonly revision: number; readonly variable: Variable };
  'dependency.add': { readonly revision: number };
  'dependency.remove': { readonly revision: number };
  'variable.compute': { readonly revision: number };
  'variables.import': { readonly revision: number; readonly summary: ImportSummary };
}

export type ReplyTo<C extends VariableCommand> = Replies[C['type']];

export type CommandType = keyof Replies;
export type AnyReply = Replies[CommandType];

/** A reply with the command it belongs to. */
export interface CommandReply {
  readonly command: CommandType;
  readonly body: AnyReply;
}
