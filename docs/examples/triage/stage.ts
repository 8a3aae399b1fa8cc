/** What the parts of the story work with. */

import type { Clock, Runtime } from 'coilyard';
import type { Desk, Tally, TriageAgent } from './desk.js';
import { percent } from './report.js';
import type { Terminal } from './terminal.js';

export interface Stage {
  readonly runtime: Runtime;
  readonly agent: TriageAgent;
  readonly desk: Desk;
  readonly show: Terminal;
  readonly clock: Clock;
}

/** Shows how far a round is. */
export const progress =
  (show: Terminal, mails: number, what: string) =>
  ({ judged, right }: Tally): void =>
    show.progress(`judging ${what}: ${judged} of ${mails} mails, ${percent(right / judged)} right`);
