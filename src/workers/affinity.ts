/** Whether a session's calls stay with its worker: when they can; always, waiting for it; always, or fail at once. */

export const affinities = Object.freeze(['hint', 'strict_queue', 'strict_fail_fast'] as const);

export type Affinity = (typeof affinities)[number];

export const isAffinity = (word: unknown): word is Affinity => affinities.some((known) => known === word);
