/** How large a run may be, and what it is told to be unless somebody says otherwise: the same for the wire and in process. */

/** Trials of one run that may end. */
export const MAX_ITERATIONS = 1_000_000;
export const DEFAULT_ITERATIONS = 100;
/** Trials that may run at the same time. */
export const MAX_PARALLEL = 1000;
/** How long a run outlives the last sign of a client, in milliseconds. */
export const LEASE_MS = Object.freeze({ least: 100, most: 3_600_000, default: 15_000 });
/** Characters of what went wrong that are kept. */
export const MAX_ERROR_LENGTH = 4096;
/** Metrics of one trial. */
export const MAX_METRICS = 100;
