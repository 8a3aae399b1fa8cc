/** One page of many texts in order, found in one pass: sorting all of them for each page would take ever longer. */

/** Candidates that are gathered at least before the larger ones are thrown away. */
const LEAST_GATHERED = 128;

/** The smallest texts behind `after` that are accepted, at most `limit`, in order. `accepts` is asked of few others. */
export function smallestAfter<Text extends string>(
  texts: Iterable<Text>,
  after: string,
  limit: number,
  accepts: (text: Text) => boolean = () => true,
): Text[] {
  const gathered: Text[] = [];
  const most = Math.max(2 * limit, LEAST_GATHERED);
  /** Nothing from here on is among the smallest. */
  let end: Text | undefined;
  for (const text of texts) {
    if (text <= after || (end !== undefined && text >= end) || !accepts(text)) continue;
    gathered.push(text);
    if (gathered.length < most) continue;
    gathered.sort();
    gathered.length = limit;
    end = gathered.at(-1);
  }
  return gathered.sort().slice(0, limit);
}
