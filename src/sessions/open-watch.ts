/** Opens a reader on a session: what it hears of, what it gets first, and from where on nothing is missed. */

import { isThenable } from '../kernel/isolate.js';
import { allows } from '../variables/access.js';
import { checkAccess, variableNotFound } from '../variables/refusals.js';
import { matchesGlob } from '../variables/names.js';
import type { Variable } from '../variables/variable.js';
import type { WatchOptions } from './handle.js';
import type { LiveSession } from './live-session.js';
import type { Interest } from './observers.js';
import { type Present, QueuedWatcher } from './queued-watcher.js';
import type { Resumed } from './store.js';
import { initialUpdate, type MayHear, rulesOf, updatesOf, type VariableUpdate } from './update.js';

/** Throws `variable_not_found` for a name that does not exist, unless the reader resumes: then it may have been deleted. */
export function openWatch(
  session: LiveSession,
  options: WatchOptions,
  resume: (after: NonNullable<WatchOptions['after']>) => Resumed | Promise<Resumed>,
  nowMs: () => number,
  principal?: string,
): QueuedWatcher {
  const caller = principal ?? session.id;
  const selection = select(session, options, caller);
  const { state, position } = session;
  const present = (): Present => ({
    position: session.position,
    initial: [...session.state.records()].filter(selection.includes).map(initialUpdate),
  });
  const isNew = options.after === undefined;
  const first = isNew && options.includeInitial === true ? [...state.records()].filter(selection.includes) : [];
  let forget = (): void => {};
  const watcher = new QueuedWatcher({
    coalesce: options.coalesce ?? true,
    principal,
    hearsSettings: options.includeSettings,
    position,
    first: first.map(initialUpdate),
    awaitsTail: !isNew,
    endsWith: selection.interest.type === 'variables' ? selection.interest.ids : undefined,
    present,
    nowMs,
    onClose: () => {
      forget();
      session.watchers.delete(watcher);
    },
  });
  forget = session.observers.add(watcher, selection.interest);
  session.watchers.add(watcher);
  if (options.after !== undefined) {
    const mayHear: MayHear = (event) =>
      (event.type !== 'variable.configured' || options.includeSettings === true) &&
      allows(rulesOf(event), 'observe', caller);
    follow(watcher, resume(options.after), position.revision, selection, mayHear);
  }
  return watcher;
}

interface Selected {
  readonly interest: Interest;
  readonly includes: (record: Variable) => boolean;
  readonly accepts: (update: VariableUpdate) => boolean;
}

function select(session: LiveSession, options: WatchOptions, caller: string): Selected {
  const mayObserve = (record: Variable): boolean => allows(record.accessRules, 'observe', caller);
  const { variables = [], pattern } = options;
  if (variables.length === 0 && (pattern === undefined || pattern === '')) {
    const everything = (): boolean => true;
    return { interest: { type: 'matching', accepts: everything }, includes: mayObserve, accepts: everything };
  }
  const ids = new Set<string>();
  const gone = new Set<string>();
  for (const reference of variables) {
    const record = session.state.resolve(reference)?.record;
    if (record !== undefined) {
      const denied = checkAccess(record, 'observe', caller);
      if (denied !== undefined) throw denied;
      ids.add(record.id);
    } else if (options.after === undefined) throw variableNotFound(reference);
    else gone.add(reference);
  }
  if ((pattern === undefined || pattern === '') && gone.size === 0)
    return {
      interest: { type: 'variables', ids },
      includes: (record) => ids.has(record.id) && mayObserve(record),
      accepts: (update) => ids.has(update.variableId),
    };
  const matches = (name: string, id: string): boolean =>
    ids.has(id) || gone.has(name) || gone.has(id) || (pattern !== undefined && matchesGlob(pattern, name));
  const accepts = (update: VariableUpdate): boolean => matches(update.name, update.variableId);
  return {
    interest: { type: 'matching', accepts },
    includes: (record) => matches(record.name, record.id) && mayObserve(record),
    accepts,
  };
}

function follow(
  watcher: QueuedWatcher,
  resumed: Resumed | Promise<Resumed>,
  upTo: number,
  { accepts }: Selected,
  mayHear: MayHear,
): void {
  const deliver = (answer: Resumed): void => {
    if (answer.type === 'tail') watcher.resume(updatesOf(answer.commits, upTo, mayHear).filter(accepts));
    else if (answer.type === 'snapshot') watcher.startOver(answer.reason);
    else watcher.end('session_stopped');
  };
  if (isThenable(resumed)) Promise.resolve(resumed).then(deliver, () => watcher.startOver('compacted'));
  else deliver(resumed);
}
