/** What happened to a session's variables. An event says everything: evolving needs no rule and no clock. */

import type { VariableId } from '../kernel/ids.js';
import type { CommandReply } from './commands.js';
import type { Variable } from './variable.js';

export type VariableEvent =
  | { readonly type: 'variable.registered'; readonly variable: Variable }
  | { readonly type: 'variable.updated'; readonly variable: Variable; readonly oldValue: unknown }
  | {
      readonly type: 'variable.deleted';
      readonly variableId: VariableId;
      readonly name: string;
      readonly variableType: string;
      readonly version: number;
      readonly oldValue: unknown;
      readonly source: string;
      readonly atMs: number;
    }
  /** A request with an id was carried out: a retry of it gets this reply again, also after a restart. */
  | { readonly type: 'request.completed'; readonly requestId: string; readonly reply: CommandReply };
