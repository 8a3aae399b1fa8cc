/** What a decision is made of besides the state and the command, and what it is. */

import type { AnyReply } from './commands.js';
import type { Computations } from './compute.js';
import type { VariableEvent } from './events.js';
import type { VariableLimits } from './limits.js';
import type { TypeRegistry } from './types/registry.js';

export interface DecideContext {
  /** Epoch milliseconds that the records will carry. */
  readonly nowMs: number;
  /** The revision that the session has now, and the one it will have if anything happens. */
  readonly revision: number;
  readonly nextRevision: number;
  readonly limits: VariableLimits;
  /** The owning session: who asks when a command does not say. */
  readonly sessionId?: string | undefined;
  /** Default: those that are built in. */
  readonly types?: TypeRegistry | undefined;
  readonly computations?: Computations | undefined;
}

export interface Decision<Reply = AnyReply> {
  /** Empty when there is nothing to commit: the reply stands as it is. */
  readonly events: readonly VariableEvent[];
  readonly reply: Reply;
  /** Functions that the session knows from now on, once the decision is committed. */
  readonly computations?: Computations;
}
