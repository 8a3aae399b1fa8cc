/** A worker that may be given calls. */

import { type Candidate, capabilitiesOf } from './routing.js';
import type { WorkerLink } from './worker-link.js';

export interface WorkerCandidate extends Candidate {
  readonly link: WorkerLink;
  readonly place: number;
}

/** @param loadOf counts the calls in a worker's hands now. */
export function candidateOf(link: WorkerLink, place: number, loadOf: (link: WorkerLink) => number): WorkerCandidate {
  return {
    link,
    place,
    capabilities: capabilitiesOf(link.hello),
    concurrency: link.hello.concurrency,
    get load() {
      return loadOf(link);
    },
  };
}
