/**
 * The path of every command in one life of a session:
 *
 *   mailbox → decide → store.commit → evolve → reply → observers
 *
 * A store that answers at once is served command by command. One that answers later is given everything that queued
 * meanwhile as one commit; one commit is under way at a time.
 */

import type { Clock } from '../kernel/clock.js';
import { CoilyardError, toCoilyardError } from '../kernel/errors.js';
import type { SessionId } from '../kernel/ids.js';
import { isolate, isThenable } from '../kernel/isolate.js';
import type { Letter, Mailbox } from '../kernel/mailbox.js';
import type { TelemetryBus } from '../kernel/telemetry.js';
import type { AnyReply, VariableCommand } from '../variables/commands.js';
import type { Computations, Compute } from '../variables/compute.js';
import { decide } from '../variables/decide.js';
import type { DecideContext, Decision } from '../variables/decision.js';
import type { VariableEvent } from '../variables/events.js';
import { evolve } from '../variables/evolve.js';
import type { VariableLimits } from '../variables/limits.js';
import { Draft, type StateView, type VariablesState } from '../variables/state.js';
import type { TypeRegistry } from '../variables/types/registry.js';
import type { Redactor } from './redaction.js';
import { COMMITS_PER_SAMPLE } from './stats.js';
import type { Commit, CommitOutcome, Position, SessionStore } from './store.js';
import { reportCommit } from './telemetry.js';

export type SessionMailbox = Mailbox<VariableCommand, AnyReply>;
type SessionLetter = Letter<VariableCommand, AnyReply>;

export interface PipelineOptions {
  readonly id: SessionId;
  readonly store: SessionStore;
  readonly mailbox: SessionMailbox;
  readonly state: VariablesState;
  readonly position: Position;
  /** Unique to this life of the session. */
  readonly writer: string;
  readonly limits: VariableLimits;
  readonly clock: Clock;
  readonly telemetry: TelemetryBus;
  readonly types: TypeRegistry | undefined;
  readonly isSecret: Redactor;
  /** The functions of computed variables that the session knows. */
  readonly computations: () => Computations | undefined;
  /** Called with those that a commit has brought. Must not throw. */
  readonly onComputations: (computations: Computations) => void;
  /**
   * Called once the state has evolved and everybody is answered, before anybody can hear the answer. Must not throw.
   *
   * @param tookMs since the first of its commands was taken up; NaN when it was not timed.
   */
  readonly onCommitted: (commit: Commit, tookMs: number) => void;
  /** Called for each command that is refused. Must not throw. */
  readonly onRefused: (command: VariableCommand, error: CoilyardError) => void;
  /** Called once, when this life cannot go on. `stateIsSound`: whether the state can still be read. */
  readonly onCrash: (error: unknown, stateIsSound: boolean) => void;
  /** Called when a commit lands after this life was abandoned: whoever has read the store meanwhile has not seen it. */
  readonly onLateLanding: (position: Position) => void;
}

/** What is to be said once the commit has landed. */
interface Settlement {
  readonly letter: SessionLetter;
  readonly reply: AnyReply | undefined;
  readonly error: CoilyardError | undefined;
  readonly computations?: Computations | undefined;
}

/** One commit on its way. */
interface Batch {
  readonly events: readonly VariableEvent[];
  readonly settlements: readonly Settlement[];
  readonly atMs: number;
  readonly startedAtMs: number;
}

export class Pipeline {
  readonly #options: PipelineOptions;
  #position: Position;
  #seq = 0;
  #storeIsSlow = false;
  #inFlight: { readonly batch: Batch; readonly landed: Promise<void> } | undefined;
  #isStopping = false;
  #dead = false;
  /** Commits until one is timed. */
  #untimed = 1;

  constructor(options: PipelineOptions) {
    this.#options = options;
    this.#position = options.position;
  }

  get position(): Position {
    return this.#position;
  }

  /** Drains the mailbox. */
  work(): void {
    const { mailbox } = this.#options;
    if (this.#storeIsSlow) {
      this.#commitTogether();
      return;
    }
    for (let letter = mailbox.take(); letter !== undefined; letter = mailbox.take()) {
      if (this.#dead) {
        letter.fail(crashed('not_started'));
        continue;
      }
      this.#commitAlone(letter);
      if (this.#inFlight !== undefined) return;
    }
  }

  /** Takes no more commands; resolves when the commit under way has landed. */
  async stop(): Promise<void> {
    this.#isStopping = true;
    await this.#inFlight?.landed;
    this.#dead = true;
  }

  /** This life is over at once. Whether the commit under way lands is not known: its answer will not be heard. */
  abandon(cause: unknown): void {
    this.#dead = true;
    for (const { letter } of this.#inFlight?.batch.settlements ?? []) letter.fail(crashed('unknown', cause));
  }

  #commitAlone(letter: SessionLetter): void {
    const { state } = this.#options;
    const startedAtMs = this.#startedAtMs();
    const context = this.#context();
    let decision: Decision;
    try {
      const decided = decide(state, letter.message, context);
      if (!decided.ok) {
        this.#refuse(letter, decided.error);
        return;
      }
      decision = decided.value;
    } catch (error) {
      this.#crash(error, letter);
      return;
    }
    const { events, reply, computations } = decision;
    const settlement: Settlement = { letter, reply, error: undefined, computations };
    if (events.length === 0) this.#settleWithoutCommit([settlement]);
    else this.#commit(events, [settlement], context.nowMs, startedAtMs);
  }

  /** Everything that waits becomes one commit, decided in order against a draft. */
  #commitTogether(): void {
    const { mailbox, state } = this.#options;
    const startedAtMs = this.#startedAtMs();
    const draft = new Draft(state);
    const events: VariableEvent[] = [];
    const settlements: Settlement[] = [];
    // Functions that commands of this very batch have brought.
    const computations = new Map(this.#options.computations());
    for (let letter = mailbox.take(); letter !== undefined; letter = mailbox.take()) {
      if (this.#dead) {
        letter.fail(crashed('not_started'));
        continue;
      }
      try {
        settlements.push(this.#decideOnDraft(draft, letter, events, computations));
      } catch (error) {
        // Nothing of the draft was committed.
        for (const settlement of settlements) settlement.letter.fail(crashed('not_started', error));
        this.#crash(error, letter);
      }
    }
    if (this.#dead) return;
    if (events.length === 0) this.#settleWithoutCommit(settlements);
    else this.#commit(events, settlements, this.#options.clock.nowMs(), startedAtMs);
  }

  #settleWithoutCommit(settlements: readonly Settlement[]): void {
    this.#learn(settlements);
    this.#settle(settlements);
  }

  #decideOnDraft(
    draft: Draft & StateView,
    letter: SessionLetter,
    events: VariableEvent[],
    known: Map<string, Compute>,
  ): Settlement {
    const decided = decide(draft, letter.message, this.#context(known));
    if (!decided.ok) return { letter, reply: undefined, error: decided.error };
    const { computations } = decided.value;
    for (const event of decided.value.events) {
      evolve(draft, event);
      events.push(event);
    }
    for (const [id, compute] of computations ?? []) known.set(id, compute);
    return { letter, reply: decided.value.reply, error: undefined, computations };
  }

  #commit(
    events: readonly VariableEvent[],
    settlements: readonly Settlement[],
    atMs: number,
    startedAtMs: number,
  ): void {
    const { store, id, writer } = this.#options;
    this.#seq += 1;
    const request = {
      writer,
      seq: this.#seq,
      expected: this.#position,
      tag: `${writer}.${this.#seq}`,
      events,
      atMs,
    };
    const batch = { events, settlements, atMs, startedAtMs };
    let outcome: CommitOutcome | Promise<CommitOutcome>;
    try {
      outcome = store.commit(id, request);
    } catch (error) {
      this.#storeFailed(error, settlements);
      return;
    }
    if (isThenable(outcome)) this.#await(outcome, batch);
    else this.#landed(outcome, batch);
  }

  /** One commit under way at a time: until it has landed, commands wait and their deadlines are watched. */
  #await(outcome: PromiseLike<CommitOutcome>, batch: Batch): void {
    this.#storeIsSlow = true;
    const { mailbox } = this.#options;
    mailbox.hold();
    for (const { letter } of batch.settlements) mailbox.watch(letter);
    const landed = Promise.resolve(outcome)
      .then(
        (answer) => this.#landed(answer, batch),
        (error: unknown) => this.#storeFailed(error, batch.settlements),
      )
      .then(() => {
        this.#inFlight = undefined;
        if (!this.#dead && !this.#isStopping) mailbox.release();
      });
    this.#inFlight = { batch, landed };
  }

  #landed(outcome: CommitOutcome, batch: Batch): void {
    if (this.#dead) {
      if (outcome?.type === 'committed') this.#options.onLateLanding(outcome.position);
      return;
    }
    const { events, settlements, atMs, startedAtMs } = batch;
    switch (outcome?.type) {
      case 'committed':
      case 'duplicate':
        break;
      case 'conflict':
      case 'fenced':
        this.#lostTheHistory(outcome.type, settlements);
        return;
      default:
        this.#storeFailed(new TypeError('the store answered a commit with no outcome'), settlements);
        return;
    }
    const { state, onCommitted, telemetry, id, clock, isSecret } = this.#options;
    try {
      for (const event of events) evolve(state, event);
    } catch (error) {
      for (const { letter } of settlements) letter.fail(crashed('unknown', error));
      this.#die(error, false);
      return;
    }
    this.#position = outcome.position;
    // Not a number when nobody wants to know: then nothing is measured.
    const tookMs = Number.isNaN(startedAtMs) ? startedAtMs : clock.monotonicMs() - startedAtMs;
    this.#learn(settlements);
    this.#settle(settlements);
    onCommitted({ position: outcome.position, events, atMs }, tookMs);
    reportCommit(telemetry, id, events, outcome.position.revision, tookMs, isSecret);
  }

  #learn(settlements: readonly Settlement[]): void {
    for (const { computations } of settlements)
      if (computations !== undefined) this.#options.onComputations(computations);
  }

  #settle(settlements: readonly Settlement[]): void {
    for (const { letter, reply, error } of settlements) {
      if (error !== undefined) this.#refuse(letter, error);
      else if (reply !== undefined) letter.reply(reply);
    }
  }

  #refuse(letter: SessionLetter, error: CoilyardError): void {
    letter.fail(error);
    // The books name what was asked for, and reading that may be what failed.
    isolate(() => this.#options.onRefused(letter.message, error), `the record of a refusal in ${this.#options.id}`);
  }

  /** Somebody else has written: this life's picture is stale. Nothing was applied; the next life reads it anew. */
  #lostTheHistory(outcome: 'conflict' | 'fenced', settlements: readonly Settlement[]): void {
    const error = new CoilyardError('store_unavailable', `the commit met a ${outcome} in the store`, {
      execution: 'not_started',
      details: { outcome },
    });
    for (const { letter } of settlements) letter.fail(error);
    this.#die(error, true);
  }

  /** Whether the commit landed is not known. */
  #storeFailed(thrown: unknown, settlements: readonly Settlement[]): void {
    const error = toCoilyardError(thrown, 'store_unavailable');
    for (const { letter } of settlements) letter.fail(error);
    this.#die(error, true);
  }

  /** Deciding has thrown: nothing has changed, the state can still be read. */
  #crash(error: unknown, inHand: SessionLetter): void {
    inHand.fail(crashed('unknown', error));
    this.#die(error, true);
  }

  #die(error: unknown, stateIsSound: boolean): void {
    if (this.#dead) return;
    this.#dead = true;
    this.#options.mailbox.failAll(() => crashed('not_started', error));
    this.#options.onCrash(error, stateIsSound);
  }

  #context(computations = this.#options.computations()): DecideContext {
    const { revision } = this.#position;
    const { clock, limits, id, types } = this.#options;
    return { nowMs: clock.nowMs(), revision, nextRevision: revision + 1, limits, sessionId: id, types, computations };
  }

  /** NaN unless somebody listens, or it is one of the commits that are timed for the statistics. */
  #startedAtMs(): number {
    const { telemetry, clock } = this.#options;
    this.#untimed -= 1;
    if (this.#untimed > 0 && !telemetry.wants('variable.updated')) return Number.NaN;
    if (this.#untimed <= 0) this.#untimed = COMMITS_PER_SAMPLE;
    return clock.monotonicMs();
  }
}

const crashed = (execution: 'not_started' | 'unknown', cause?: unknown): CoilyardError =>
  new CoilyardError('session_crashed', 'the session crashed and is being restarted', { execution, cause });
