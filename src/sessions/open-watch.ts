/** Opens a reader on a session: what it hears of, what it gets first, and from where on nothing is missed. */

import type { Clock } from '../kernel/clock.js';
import { isThenable } from '../kernel/isolate.js';
import { allows } from '../variables/access.js';
import { matchesGlob } from '../variables/names.js';
import { checkAccess, variableNotFound } from '../variables/refusals.js';
import type { Variable } from '../variables/variable.js';
import type { WatchOptions } from './handle.js';
import type { LiveSession } from './live-session.js';
import type { Interest } from './observers.js';
import { type Present, QueuedWatcher } from './queued-watcher.js';
import type { MaybePromise, Resumed } from './store.js';
import { type Hearing, initialUpdate, rulesOf, updatesOf, type VariableUpdate } from './update.js';

/**
 * Throws `session_…` when there is nothing to read, and `variable_not_found` for a name that does not exist, unless the
 * reader resumes: then it may have been deleted.
 */
export function openWatch(
  session: LiveSession,
  options: WatchOptions,
  resume: (after: NonNullable<WatchOptions['after']>) => MaybePromise<Resumed>,
  clock: Clock,
  principal?: string,
): QueuedWatcher {
  const caller = principal ?? session.id;
  const selection = select(session, options, caller);
  const { position } = session;
  const { after } = options;
  const initial = (): VariableUpdate[] =>
    Array.from(session.state.records()).filter(selection.includes).map(initialUpdate);
  let forget = (): void => {};
  const watcher = new QueuedWatcher({
    coalesce: options.coalesce ?? true,
    principal,
    hearsSettings: options.includeSettings,
    position,
    first: after === undefined && options.includeInitial === true ? initial() : [],
    awaitsTail: after !== undefined,
    endsWith: selection.interest.type === 'variables' ? selection.interest.ids : undefined,
    isReadable: () => session.isReadable,
    present: (): Present => ({ position: session.position, initial: initial() }),
    nowMs: () => clock.nowMs(),
    onClose: () => {
      forget();
      session.watchers.delete(watcher);
    },
  });
  forget = session.observers.add(watcher, selection.interest);
  session.watchers.add(watcher);
  if (after !== undefined) {
    const hearing: Hearing = {
      mayObserve: (event) => allows(rulesOf(event), 'observe', caller),
      hearsSettings: options.includeSettings === true,
    };
    follow(watcher, () => resume(after), position.revision, selection, hearing);
  }
  return watcher;
}

interface Selected {
  /** What is heard of from now on. */
  readonly interest: Interest;
  /** What there is of it now. */
  readonly includes: (record: Variable) => boolean;
  /** What a reader that resumes has missed of it: also of variables that are gone by now. */
  readonly concerned: (update: VariableUpdate) => boolean;
}

function select(session: LiveSession, options: WatchOptions, caller: string): Selected {
  const mayObserve = (record: Variable): boolean => allows(record.accessRules, 'observe', caller);
  const { state } = session;
  const { variables = [], pattern = '' } = options;
  if (variables.length === 0 && pattern === '') {
    const everything = (): boolean => true;
    return { interest: { type: 'matching', accepts: everything }, includes: mayObserve, concerned: everything };
  }
  const ids = new Set<string>();
  const gone = new Set<string>();
  for (const reference of variables) {
    const record = state.resolve(reference)?.record;
    if (record !== undefined) {
      const denied = checkAccess(record, 'observe', caller);
      if (denied !== undefined) throw denied;
      ids.add(record.id);
    } else if (options.after === undefined) throw variableNotFound(reference);
    else gone.add(reference);
  }
  const matches = (name: string, id: string): boolean => ids.has(id) || (pattern !== '' && matchesGlob(pattern, name));
  const accepts = ({ name, variableId }: VariableUpdate): boolean => matches(name, variableId);
  return {
    interest: pattern === '' ? { type: 'variables', ids } : { type: 'matching', accepts },
    includes: (record) => matches(record.name, record.id) && mayObserve(record),
    concerned: (update) => accepts(update) || gone.has(update.name) || gone.has(update.variableId),
  };
}

function follow(
  watcher: QueuedWatcher,
  resume: () => MaybePromise<Resumed>,
  upTo: number,
  { interest, concerned }: Selected,
  hearing: Hearing,
): void {
  const deliver = (answer: Resumed): void => {
    if (answer.type === 'tail') watcher.resume(updatesOf(answer.commits, upTo, hearing).filter(concerned));
    else if (answer.type === 'snapshot') watcher.startOver(answer);
    else watcher.end('session_stopped');
    if (interest.type === 'variables' && interest.ids.size === 0) watcher.end('variable_deleted');
  };
  /** What cannot be read back is as good as gone. */
  const failed = (): void => watcher.startOver({ reason: 'compacted' });
  try {
    const answer = resume();
    if (isThenable(answer)) Promise.resolve(answer).then(deliver, failed);
    else deliver(answer);
  } catch {
    failed();
  }
}
