/** What a decision is made of besides the state and the command, and what it is. */

import type { AnyReply } from './commands.js';
import type { VariableEvent } from './events.js';
import type { VariableLimits } from './limits.js';

export interface DecideContext {
  /** Epoch milliseconds that the records will carry. */
  readonly nowMs: number;
  /** The revision that the session has now, and the one it will have if anything happens. */
  readonly revision: number;
  readonly nextRevision: number;
  readonly limits: VariableLimits;
}

export interface Decision<Reply = AnyReply> {
  /** Empty when there is nothing to commit: the reply stands as it is. */
  readonly events: readonly VariableEvent[];
  readonly reply: Reply;
}
