/** Memory that is bounded by forgetting what came first. */

/** Forgets the oldest entries beyond so many. To keep an entry longer, delete it before it is set again. */
export function keepLatest<Key>(kept: Map<Key, unknown> | Set<Key>, most: number): void {
  if (kept.size <= most) return;
  for (const oldest of kept.keys()) {
    kept.delete(oldest);
    if (kept.size <= most) return;
  }
}
