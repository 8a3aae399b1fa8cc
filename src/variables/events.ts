/** What happened to a session's variables. An event says everything: evolving needs no rule and no clock. */

import type { VariableId } from '../kernel/ids.js';
import type { AccessRule } from './access.js';
import type { CommandReply } from './commands.js';
import type { Dependency } from './graph.js';
import type { Optimization, OptimizationTrial } from './optimization.js';
import type { Metadata } from './value.js';
import type { Variable } from './variable.js';

/** Which settings were changed. */
export type Setting = 'constraints' | 'readOnly' | 'accessRules' | 'description' | 'metadata';

export type VariableEvent =
  | {
      readonly type: 'variable.registered';
      readonly variable: Variable;
      /** Versions before the present one, oldest first: only an imported variable has any. */
      readonly earlier?: readonly Variable[];
      readonly principal?: string;
    }
  | {
      readonly type: 'variable.updated';
      readonly variable: Variable;
      readonly oldValue: unknown;
      /** The calling session, when it is not the owner. */
      readonly principal?: string;
    }
  | {
      readonly type: 'variable.configured';
      readonly variable: Variable;
      readonly settings: readonly Setting[];
      readonly source: string;
      readonly atMs: number;
      /** Where the rules have changed, those before: whoever they granted something hears that it is over. */
      readonly previousRules?: readonly AccessRule[];
      readonly principal?: string;
    }
  | {
      readonly type: 'variable.deleted';
      readonly variableId: VariableId;
      readonly name: string;
      readonly variableType: string;
      readonly version: number;
      readonly oldValue: unknown;
      readonly source: string;
      readonly atMs: number;
      /** As they were: who might observe the variable hears of its end. */
      readonly accessRules?: readonly AccessRule[];
      readonly metadata?: Metadata;
      readonly principal?: string;
    }
  | DependencyEvent<'dependency.added'>
  | DependencyEvent<'dependency.removed'>
  /** What it writes meanwhile, and at its end, are updates like all others, at the same revision. */
  | OptimizationEvent<'optimization.started'>
  | OptimizationEvent<'optimization.applied'>
  | (OptimizationEvent<'optimization.progressed'> & { readonly trial: OptimizationTrial })
  | OptimizationEvent<'optimization.ended'>
  /** A request with an id was carried out: a retry of it gets this reply again, also after a restart. */
  | { readonly type: 'request.completed'; readonly requestId: string; readonly reply: CommandReply };

/** With a variable its dependencies end: that is part of `variable.deleted`. */
interface DependencyEvent<Type extends string> {
  readonly type: Type;
  readonly dependency: Dependency;
  readonly source: string;
  readonly atMs: number;
  readonly principal?: string;
}

/** What the run is from now on. */
interface OptimizationEvent<Type extends string> {
  readonly type: Type;
  readonly optimization: Optimization;
  readonly principal?: string;
}
