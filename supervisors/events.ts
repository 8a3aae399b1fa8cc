/** What a supervisor tells whoever listens. Delivered in order, off the supervisor's own path. */

import type { ExitReason } from '../src/kernel/exit-reason.js';
import type { ChildId } from './child-spec.js';

interface AboutChild {
  /** The supervisor's label. */
  readonly supervisor: string;
  /** Absent for a child of a dynamic supervisor that was given none. */
  readonly childId: ChildId | undefined;
}

export type SupervisorEvent =
  | (AboutChild & { readonly type: 'child.started' | 'child.restarted'; readonly process: string })
  | (AboutChild & { readonly type: 'child.exited'; readonly reason: ExitReason })
  | (AboutChild & { readonly type: 'child.restart_scheduled'; readonly delayMs: number; readonly attempt: number })
  /** A restart that failed; the next attempt follows through the mailbox (S38). */
  | (AboutChild & { readonly type: 'child.restart_failed'; readonly error: unknown })
  /** The budget is spent: the supervisor ends. `reason` is the child's last. */
  | (AboutChild & { readonly type: 'child.gave_up'; readonly reason: ExitReason })
  /** The child did not end in time and was killed. */
  | (AboutChild & { readonly type: 'child.stop_timeout' })
  /** The child ended otherwise than it was asked to (S47). */
  | (AboutChild & { readonly type: 'child.stop_failed'; readonly reason: ExitReason })
  | (AboutChild & { readonly type: 'child.breaker'; readonly state: 'open' | 'half_open' | 'closed' })
  /** A significant child ended the supervisor (S59, S60). */
  | (AboutChild & { readonly type: 'supervisor.auto_shutdown' });

export type SupervisorListener = (event: SupervisorEvent) => void;

type WithoutAddress<Event> = Event extends unknown ? Omit<Event, keyof AboutChild> : never;

/** An event before it is known which supervisor and child it is about. */
export type Happening = WithoutAddress<SupervisorEvent>;
