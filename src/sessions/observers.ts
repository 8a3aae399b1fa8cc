/**
 * Everybody who wants to hear of a session's changes. Commits are handed in while the mailbox is drained and delivered
 * a little later, when whoever awaits the reply has heard it: no reply waits for an observer. Delivery costs only those
 * who asked for the variable, and nobody can hurt anybody else.
 */

import { type AccessRule, type Caller, permits } from '../variables/access.js';
import type { VariableEvent } from '../variables/events.js';
import type { Commit, Position } from './store.js';
import { heardOf, rulesOf, updateOf, type VariableUpdate } from './update.js';

/** One observer, whatever is behind it. */
export interface Sink {
  /** Only updates of later revisions are for this sink. */
  readonly since: number;
  /** Absent: the owner. */
  readonly caller?: Caller | undefined;
  /** Whether it wants to know of new settings. */
  readonly hearsSettings?: boolean | undefined;
  /** Must not throw. */
  offer(update: VariableUpdate): void;
  /** Everything up to this place has been offered. Must not throw. */
  delivered(position: Position): void;
  /** History is not what it was, or not all of it is known: the present is what counts from here on. Must not throw. */
  startOver(reset: VariableUpdate): void;
  /** The session is gone, and its variables with it; absent where the end is told otherwise. Must not throw. */
  gone?(last: VariableUpdate): void;
}

/** Ids of variables, or every update that passes a test. */
export type Interest =
  | { readonly type: 'variables'; readonly ids: ReadonlySet<string> }
  | { readonly type: 'matching'; readonly accepts: (update: VariableUpdate) => boolean };

const soon = Promise.resolve();

export class Observers {
  readonly #owner: Caller;
  readonly #byVariable = new Map<string, Set<Sink>>();
  readonly #matching = new Map<Sink, (update: VariableUpdate) => boolean>();
  #pending: Commit[] = [];
  #touched = new Set<Sink>();

  /** @param owner the id of the session: who observes when a sink does not say. */
  constructor(owner = '') {
    this.#owner = { id: owner, byRuleOnly: false };
  }

  get size(): number {
    let count = this.#matching.size;
    for (const sinks of this.#byVariable.values()) count += sinks.size;
    return count;
  }

  /** @returns a function that ends the interest; idempotent. */
  add(sink: Sink, interest: Interest): () => void {
    if (interest.type === 'matching') {
      this.#matching.set(sink, interest.accepts);
      return () => void this.#matching.delete(sink);
    }
    const { ids } = interest;
    for (const id of ids) {
      const sinks = this.#byVariable.get(id);
      if (sinks === undefined) this.#byVariable.set(id, new Set([sink]));
      else sinks.add(sink);
    }
    return () => {
      for (const id of ids) {
        const sinks = this.#byVariable.get(id);
        sinks?.delete(sink);
        if (sinks?.size === 0) this.#byVariable.delete(id);
      }
    };
  }

  /** The session is gone with its variables. @param last what is to be said of the variable of that id, and its rules. */
  end(
    last: (id: string) => { readonly update: VariableUpdate; readonly rules: readonly AccessRule[] } | undefined,
  ): void {
    for (const [id, sinks] of [...this.#byVariable]) {
      const gone = last(id);
      if (gone === undefined) continue;
      for (const sink of [...sinks])
        if (permits(gone.rules, 'observe', sink.caller ?? this.#owner)) sink.gone?.(gone.update);
    }
  }

  /** Takes a commit to be delivered soon, in order. */
  publish(commit: Commit): void {
    if (this.#byVariable.size === 0 && this.#matching.size === 0) return;
    this.#pending.push(commit);
    if (this.#pending.length === 1) soon.then(this.#flushSoon);
  }

  /** Tells everybody to start over, after what is still to be delivered. */
  startOver(reset: VariableUpdate): void {
    this.flush();
    const sinks = new Set(this.#matching.keys());
    for (const some of this.#byVariable.values()) for (const sink of some) sinks.add(sink);
    for (const sink of sinks) sink.startOver(reset);
  }

  /** `session.set` answers one microtask later than the mailbox does: its caller goes first. */
  readonly #flushSoon = (): void => {
    soon.then(this.flush);
  };

  /** Delivers what was handed in. */
  readonly flush = (): void => {
    const commits = this.#pending;
    this.#pending = [];
    const touched = this.#touched;
    for (const { events, position } of commits)
      for (const event of events) {
        const update = updateOf(event, position.revision);
        if (update !== undefined) this.#deliver(event, update, touched);
      }
    const last = commits.at(-1);
    if (last === undefined || touched.size === 0) return;
    this.#touched = new Set();
    for (const sink of touched) sink.delivered(last.position);
  };

  #deliver(event: VariableEvent, update: VariableUpdate, touched: Set<Sink>): void {
    const sinks = this.#byVariable.get(update.variableId);
    const isOpen = rulesOf(event).length === 0 && update.type !== 'configured';
    if (sinks !== undefined)
      for (const sink of sinks) {
        if (update.revision <= sink.since) continue;
        if (isOpen && sink.caller?.byRuleOnly !== true) sink.offer(update);
        else if (!this.#offerTo(sink, event, update)) continue;
        touched.add(sink);
      }
    for (const [sink, accepts] of this.#matching) {
      if (update.revision <= sink.since || !accepts(update)) continue;
      if (isOpen && sink.caller?.byRuleOnly !== true) sink.offer(update);
      else if (!this.#offerTo(sink, event, update)) continue;
      touched.add(sink);
    }
  }

  /** @returns whether there was something for this sink. */
  #offerTo(sink: Sink, event: VariableEvent, update: VariableUpdate): boolean {
    const { caller = this.#owner, hearsSettings = false } = sink;
    const heard = heardOf(event, update, { caller, hearsSettings });
    if (heard !== undefined) sink.offer(heard);
    return heard !== undefined;
  }
}
