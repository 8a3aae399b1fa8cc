/** Opens a reader on a session: what it hears of, what it gets first, and from where on nothing is missed. */

import type { Clock } from '../kernel/clock.js';
import { isThenable } from '../kernel/isolate.js';
import { type Caller, grantsAnything, permits } from '../variables/access.js';
import { matchesGlob } from '../variables/names.js';
import { checkAccess, notGranted, variableNotFound } from '../variables/refusals.js';
import type { Variable } from '../variables/variable.js';
import type { WatchOptions } from './handle.js';
import type { LiveSession } from './live-session.js';
import type { Interest } from './observers.js';
import { type Present, QueuedWatcher } from './queued-watcher.js';
import type { MaybePromise, Resumed } from './store.js';
import { type Hearer, initialUpdate, updatesOf, type VariableUpdate } from './update.js';

/**
 * Throws `session_…` when there is nothing to read, and `variable_not_found` for a name that does not exist, unless the
 * reader resumes: then it may have been deleted.
 *
 * @param by absent: the owner.
 */
export function openWatch(
  session: LiveSession,
  options: WatchOptions,
  resume: (after: NonNullable<WatchOptions['after']>) => MaybePromise<Resumed>,
  clock: Clock,
  by?: Caller,
): QueuedWatcher {
  const caller = by ?? { id: session.id, byRuleOnly: false };
  const selection = select(session, options, caller);
  const { position } = session;
  const { after } = options;
  const initial = (): VariableUpdate[] =>
    Array.from(session.state.records()).filter(selection.includes).map(initialUpdate);
  let forget = (): void => {};
  const watcher = new QueuedWatcher({
    coalesce: options.coalesce ?? true,
    caller: by,
    hearsSettings: options.includeSettings,
    position,
    first: after === undefined && options.includeInitial === true ? initial() : [],
    awaitsTail: after !== undefined,
    endsWith: selection.interest.type === 'variables' ? selection.interest.ids : undefined,
    mayKnow: () => !caller.byRuleOnly || !session.isReadable || mayKnow(session, caller.id),
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
    const hearer = { caller, hearsSettings: options.includeSettings === true };
    follow(watcher, () => resume(after), position.revision, selection, hearer);
  }
  return watcher;
}

/** Whether a guest is to know that there is the session: a rule of it grants something to the guest. */
export function mayKnow({ state }: LiveSession, guest: string): boolean {
  for (const { accessRules } of state.records())
    if (accessRules.length > 0 && grantsAnything(accessRules, guest)) return true;
  return false;
}

interface Selected {
  /** What is heard of from now on. */
  readonly interest: Interest;
  /** What there is of it now. */
  readonly includes: (record: Variable) => boolean;
  /** What a reader that resumes has missed of it: also of variables that are gone by now. */
  readonly concerned: (update: VariableUpdate) => boolean;
}

function select(session: LiveSession, options: WatchOptions, caller: Caller): Selected {
  const mayObserve = (record: Variable): boolean => permits(record.accessRules, 'observe', caller);
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
    // To a guest, what it may not observe and what there is not are the same, also when it resumes.
    const isThere = record !== undefined && (!caller.byRuleOnly || mayObserve(record));
    if (isThere) {
      const denied = checkAccess(record, 'observe', caller);
      if (denied !== undefined) throw denied;
      ids.add(record.id);
    } else if (options.after !== undefined) gone.add(reference);
    else throw caller.byRuleOnly ? notGranted(caller.id) : variableNotFound(reference);
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
  hearer: Hearer,
): void {
  const deliver = (answer: Resumed): void => {
    if (answer.type === 'tail') watcher.resume(updatesOf(answer.commits, upTo, hearer).filter(concerned));
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
