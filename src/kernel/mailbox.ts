/**
 * The mailbox in front of an actor: bounded, two lanes (system before user), each letter with its deadline and abort
 * signal, and answered exactly once. It is drained in a microtask, never on the sender's stack. While its owner waits
 * for something (a commit under way, a restart) it is held: letters queue and their deadlines are watched.
 */

import type { Clock } from './clock.js';
import { CoilyardError } from './errors.js';
import { Ring } from './ring.js';
import type { TimerWheel, WheelEntry } from './timer-wheel.js';

export type Lane = 'system' | 'user';

export interface PostOptions {
  /** Default `user`. */
  readonly lane?: Lane | undefined;
  /** Milliseconds from now until the sender is answered `deadline_exceeded`. */
  readonly timeoutMs: number;
  readonly signal?: AbortSignal | undefined;
}

export interface MailboxOptions {
  readonly clock: Clock;
  /** Watches the deadlines of letters that wait. */
  readonly wheel: TimerWheel;
  /** Letters that may wait, both lanes together. Default 10,000. */
  readonly capacity?: number;
  /** Called when there is something to take, never on a sender's stack. It takes until nothing comes, or holds the mailbox. */
  readonly onWork: () => void;
}

const DEFAULT_CAPACITY = 10_000;
/** What a sender who found the mailbox full is told to wait, in milliseconds. */
const RETRY_AFTER_FULL_MS = 50;
/** After so many letters in a row the event loop gets its turn: nobody who keeps posting can starve timers and sockets. */
const LETTERS_PER_LOOP = 1024;

const soon = Promise.resolve();

/** One message on its way. Whoever takes it answers it; a later answer than the first does nothing. */
export class Letter<Message, Reply> {
  readonly message: Message;
  readonly deadlineAtMs: number;
  #resolve: ((reply: Reply) => void) | undefined;
  #reject: ((error: CoilyardError) => void) | undefined;
  #watch: WheelEntry | undefined;
  #stopListening: (() => void) | undefined;
  #taken = false;

  constructor(
    message: Message,
    deadlineAtMs: number,
    resolve: (reply: Reply) => void,
    reject: (error: CoilyardError) => void,
  ) {
    this.message = message;
    this.deadlineAtMs = deadlineAtMs;
    this.#resolve = resolve;
    this.#reject = reject;
  }

  get settled(): boolean {
    return this.#resolve === undefined;
  }

  reply(reply: Reply): void {
    const resolve = this.#resolve;
    if (resolve === undefined) return;
    this.#forget();
    resolve(reply);
  }

  fail(error: CoilyardError): void {
    const reject = this.#reject;
    if (reject === undefined) return;
    this.#forget();
    reject(error);
  }

  /** From here on a lost answer means that the work may have been done. */
  take(): void {
    this.#taken = true;
  }

  expire(): void {
    this.fail(
      this.#taken
        ? new CoilyardError('deadline_exceeded', 'the deadline passed while the command was carried out')
        : new CoilyardError('deadline_exceeded', 'the deadline passed before the command was started', {
            execution: 'not_started',
          }),
    );
  }

  watchDeadline(wheel: TimerWheel): void {
    if (this.settled || this.#watch !== undefined || this.deadlineAtMs === Number.POSITIVE_INFINITY) return;
    this.#watch = wheel.schedule(this.deadlineAtMs, () => this.expire());
  }

  listenTo(signal: AbortSignal): void {
    const onAbort = (): void =>
      this.fail(
        new CoilyardError('cancelled', 'the caller gave up', {
          execution: this.#taken ? 'unknown' : 'not_started',
          cause: signal.reason,
        }),
      );
    if (signal.aborted) {
      onAbort();
      return;
    }
    signal.addEventListener('abort', onAbort, { once: true });
    this.#stopListening = () => signal.removeEventListener('abort', onAbort);
  }

  #forget(): void {
    this.#resolve = undefined;
    this.#reject = undefined;
    this.#watch?.cancel();
    this.#watch = undefined;
    this.#stopListening?.();
    this.#stopListening = undefined;
  }
}

type State = 'held' | 'idle' | 'scheduled' | 'draining' | 'closed';

export class Mailbox<Message, Reply> {
  readonly #clock: Clock;
  readonly #wheel: TimerWheel;
  readonly #capacity: number;
  readonly #onWork: () => void;
  readonly #system = new Ring<Letter<Message, Reply>>();
  readonly #user = new Ring<Letter<Message, Reply>>();
  #state: State = 'held';
  /** Letters that the present drain may still take: what is posted meanwhile waits for the next one. */
  #quota = 0;
  #takenInThisLoop = 0;
  #closedBy: (() => CoilyardError) | undefined;

  /** The mailbox is held until {@link release}. */
  constructor(options: MailboxOptions) {
    this.#clock = options.clock;
    this.#wheel = options.wheel;
    this.#capacity = options.capacity ?? DEFAULT_CAPACITY;
    this.#onWork = options.onWork;
  }

  /** Letters that wait, those included whose senders have given up. */
  get length(): number {
    return this.#system.length + this.#user.length;
  }

  /** Rejects with `mailbox_full`, `deadline_exceeded`, `cancelled`, what the owner answers, or what {@link close} says. */
  post(message: Message, options: PostOptions): Promise<Reply> {
    return new Promise<Reply>((resolve, reject) => {
      if (this.#closedBy !== undefined) {
        reject(this.#closedBy());
        return;
      }
      if (this.length >= this.#capacity) {
        reject(
          new CoilyardError('mailbox_full', `the mailbox holds ${this.#capacity} commands already`, {
            retryAfterMs: RETRY_AFTER_FULL_MS,
            details: { capacity: this.#capacity },
          }),
        );
        return;
      }
      const deadlineAtMs = this.#clock.monotonicMs() + options.timeoutMs;
      const letter = new Letter<Message, Reply>(message, deadlineAtMs, resolve, reject);
      if (options.signal !== undefined) letter.listenTo(options.signal);
      if (letter.settled) return;
      (options.lane === 'system' ? this.#system : this.#user).push(letter);
      if (this.#state === 'idle') this.#schedule();
      else if (this.#state === 'held') letter.watchDeadline(this.#wheel);
    });
  }

  /**
   * The next letter whose sender still waits, `undefined` when this drain is over or the mailbox is held. A letter whose
   * deadline has passed is answered here and never seen by the owner. Only for `onWork`.
   */
  take(): Letter<Message, Reply> | undefined {
    if (this.#state !== 'draining') return undefined;
    for (let letter = this.#nextOfDrain(); letter !== undefined; letter = this.#nextOfDrain()) {
      if (letter.settled) continue;
      if (letter.deadlineAtMs <= this.#clock.monotonicMs()) letter.expire();
      else {
        letter.take();
        return letter;
      }
    }
    if (this.length > 0) this.#schedule();
    else this.#state = 'idle';
    return undefined;
  }

  /** Nothing can be taken until {@link release}; deadlines of what waits are watched by the wheel meanwhile. */
  hold(): void {
    if (this.#state === 'closed') return;
    this.#state = 'held';
    for (const letter of this.#system) letter.watchDeadline(this.#wheel);
    for (const letter of this.#user) letter.watchDeadline(this.#wheel);
  }

  /** Watches the deadline of a letter that was taken and has to wait, for a commit say. */
  watch(letter: Letter<Message, Reply>): void {
    letter.watchDeadline(this.#wheel);
  }

  release(): void {
    if (this.#state !== 'held') return;
    this.#state = 'idle';
    if (this.length > 0) this.#schedule();
  }

  /** Answers all that waits with an error of its own for each; the mailbox stays open. */
  failAll(error: () => CoilyardError): void {
    for (let letter = this.#next(); letter !== undefined; letter = this.#next()) letter.fail(error());
  }

  /** Answers all that waits, and whatever comes later, with an error. */
  close(error: () => CoilyardError): void {
    if (this.#state === 'closed') return;
    this.#state = 'closed';
    this.#closedBy = error;
    this.failAll(error);
  }

  #next(): Letter<Message, Reply> | undefined {
    return this.#system.shift() ?? this.#user.shift();
  }

  #nextOfDrain(): Letter<Message, Reply> | undefined {
    if (this.#quota === 0) return undefined;
    this.#quota -= 1;
    this.#takenInThisLoop += 1;
    return this.#next();
  }

  #schedule(): void {
    this.#state = 'scheduled';
    if (this.#takenInThisLoop < LETTERS_PER_LOOP) {
      soon.then(this.#drain);
      return;
    }
    this.#takenInThisLoop = 0;
    setImmediate(this.#drain);
  }

  readonly #drain = (): void => {
    if (this.#state !== 'scheduled') return;
    this.#state = 'draining';
    this.#quota = this.length;
    this.#onWork();
  };
}
