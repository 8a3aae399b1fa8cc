/** What can be asked of a session, and what it answers. Every variable is meant by its name or by its id. */

import type { CoilyardError } from '../kernel/errors.js';
import type { Metadata, ValueKind } from './value.js';
import type { Variable } from './variable.js';

export interface VariableSpec {
  readonly name: string;
  readonly type: string;
  readonly initialValue: unknown;
  /** The kind that the wire gave the initial value; absent from TypeScript. */
  readonly kind?: ValueKind | undefined;
  readonly constraints?: Readonly<Record<string, unknown>> | undefined;
  readonly description?: string | undefined;
  readonly metadata?: Metadata | undefined;
  readonly readOnly?: boolean | undefined;
}

export interface Write {
  readonly variable: string;
  readonly value: unknown;
  readonly kind?: ValueKind | undefined;
  /** The version that the writer has seen; 0 is a version. */
  readonly expectedVersion?: number | undefined;
}

interface Command<Type extends string> {
  readonly type: Type;
  /** Who asks: `typescript`, `python`, or what the caller calls itself. */
  readonly source: string;
  /** The same id answers the same reply and has its effect once. */
  readonly requestId?: string | undefined;
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

export type VariableCommand = RegisterVariables | SetVariable | UpdateVariables | DeleteVariable;

/** The outcome of one write of a batch, in the order of the request. */
export type WriteOutcome = { readonly variable: string } & (
  | { readonly ok: true; readonly updated: Variable }
  | { readonly ok: false; readonly error: CoilyardError }
);

/** The reply to each command. `revision` is the session's after the command. */
export interface Replies {
  'variables.register': { readonly revision: number; readonly variables: readonly Variable[] };
  'variable.set': { readonly revision: number; readonly variable: Variable };
  'variables.update': { readonly revision: number; readonly ok: boolean; readonly outcomes: readonly WriteOutcome[] };
  'variable.delete': { readonly revision: number };
}

export type ReplyTo<C extends VariableCommand> = Replies[C['type']];

export type CommandType = keyof Replies;
export type AnyReply = Replies[CommandType];

/** A reply with the command it belongs to. */
export interface CommandReply {
  readonly command: CommandType;
  readonly body: AnyReply;
}
