/** The Python that the example needs: two workers that judge mails, and one beside them that does not disturb them. */

import type { PoolOptions } from 'coilyard';
import { directory } from './directory.js';

/** Judges; `triage.py` says with which model. */
const judges: PoolOptions = { size: 2, concurrency: 4, imports: ['triage'], paths: [directory] };

/** Watches, re-tunes and measures the yardstick; it imports no DSPy. */
const beside: PoolOptions = { size: 1, concurrency: 4, imports: ['beside'], paths: [directory] };

export const pools = { default: judges, beside } as const;
