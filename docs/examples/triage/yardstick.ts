/** Asks Python how well the usual method does on the same mails. */

import type { Runtime } from 'coilyard';

export type Yardstick =
  | {
      readonly available: true;
      readonly method: string;
      /** By the number of mails that it was trained on. */
      readonly accuracy: ReadonlyMap<number, number>;
    }
  | { readonly available: false; readonly method: string; readonly reason: string };

/** @param heldOut how many of the held-out mails it is scored on. */
export async function measureYardstick(runtime: Runtime, heldOut: number): Promise<Yardstick> {
  const answer = await runtime.python.call('measure_yardstick', { held_out: heldOut }, { pool: 'beside' });
  const { available, method, reason, accuracy } = fields(answer);
  if (available !== true) return { available: false, method: String(method), reason: String(reason) };
  const scores = Object.entries(fields(accuracy)).map(([mails, score]) => [Number(mails), Number(score)] as const);
  return { available, method: String(method), accuracy: new Map(scores) };
}

function fields(value: unknown): Readonly<Record<string, unknown>> {
  if (typeof value !== 'object' || value === null) throw new TypeError('the yardstick answered in another form');
  return Object.fromEntries(Object.entries(value));
}
