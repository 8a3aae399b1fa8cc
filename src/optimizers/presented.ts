/** Runs as users of this process see them: values of their own types as `session.get` gives them. */

import type { NamedValue, OptimizationStatus, SessionHandle } from '../sessions/handle.js';

type Presents = Pick<SessionHandle, 'presentValue'>;

/** Anything that has values: a trial, one that has ended. */
export const presentedIn = <T extends { readonly values: readonly NamedValue[] }>(session: Presents, of: T): T => ({
  ...of,
  values: of.values.map((named) => ({ ...named, value: session.presentValue(named.type, named.value) })),
});

export function presentedStatus(session: Presents, status: OptimizationStatus): OptimizationStatus {
  const types = new Map(status.variables.map(({ name, type }) => [name, type]));
  const best = Array.from(status.bestValues, ([name, value]): readonly [string, unknown] => {
    const type = types.get(name);
    return [name, type === undefined ? value : session.presentValue(type, value)];
  });
  return { ...status, bestValues: new Map(best) };
}
