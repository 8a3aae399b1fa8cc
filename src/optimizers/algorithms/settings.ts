/**
 * How a config narrows what a study searches: for the only variable of a study at the top, for each of several in
 * `space`.
 */

import { invalidArgument } from '../../kernel/errors.js';
import { brief, type Config, isGiven, readRecord, refuseUnknownKeys } from './config.js';
import type { StudyPlan, StudyVariable } from './optimizer.js';
import { mapped, type Work } from './work.js';

/** The settings of one variable, as they were given. */
export interface Settings {
  readonly variable: StudyVariable;
  readonly given: Config;
  /** How messages spell each key, also one that is missing. */
  readonly paths: Readonly<Record<string, string>>;
}

/** The key as whoever gave it, or should give it, spells it. */
export const keyOf = (settings: Settings, key: string): string => settings.paths[key] ?? key;

/**
 * Checks the names of all keys. `narrowing`: those of one variable that the algorithm understands; `own`: those of the
 * whole run.
 */
export function* readSettings(plan: StudyPlan, own: readonly string[], narrowing: readonly string[]): Work<Settings[]> {
  const { variables, config } = plan;
  if (variables.length === 0) throw invalidArgument('variables', 'one variable at least', variables);
  const isSingle = variables.length === 1;
  refuseUnknownKeys(config, [...new Set([...own, ...(isSingle ? narrowing : []), 'space'])]);
  const space = readRecord(config, 'space');
  const names = new Set(variables.map(({ name }) => name));
  for (const name of Object.keys(space))
    if (!names.has(name))
      throw invalidArgument(`space.${brief(name)}`, `one of the variables ${[...names].join(', ')}`, name);
  const top = isSingle ? narrowing : [];
  return yield* mapped(variables, (variable) => settingsOf(variable, config, space, top, narrowing));
}

function settingsOf(
  variable: StudyVariable,
  config: Config,
  space: Config,
  topKeys: readonly string[],
  narrowing: readonly string[],
): Settings {
  const { name } = variable;
  const path = `space.${name}.`;
  const nested = readRecord(space, name, 'space.');
  refuseUnknownKeys(nested, narrowing, path);
  const given: Record<string, unknown> = {};
  const paths: Record<string, string> = {};
  for (const key of narrowing) {
    const top = topKeys.includes(key) && isGiven(config[key]);
    if (top && isGiven(nested[key])) throw invalidArgument(`${path}${key}`, `${key} once`, 'it at the top as well');
    given[key] = top ? config[key] : nested[key];
    paths[key] = topKeys.includes(key) && !isGiven(nested[key]) ? key : `${path}${key}`;
  }
  return { variable, given, paths };
}
