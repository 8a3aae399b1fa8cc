/** Where mails are judged: several at a time, round after round, each mail of a round counted once. */

import type { Agent, Runtime } from 'coilyard';
import type { MailText, Triage, Verdict } from './agent.js';
import type { LabelledMail } from './mails.js';
import { Seats } from './seats.js';

export type TriageAgent = Agent<typeof Triage.variables, typeof Triage.modules, MailText, Verdict>;

export interface Score {
  readonly mails: number;
  readonly right: number;
  /** By mail; as many as there are mails. */
  readonly verdicts: ReadonlyMap<string, Verdict>;
  /** The revisions whose values the mails were judged with: one, unless a change came in the middle. */
  readonly revisions: ReadonlySet<number>;
  readonly durationMs: number;
}

/** How far a round has come. */
export interface Tally {
  readonly judged: number;
  readonly right: number;
}

export interface Round {
  /**
   * Resolves when every mail of the round has gone to a worker, with the values of that moment: what is changed now is
   * for the next round, and the last few mails are still being judged. Resolves too when the round fails: see `score`.
   */
  readonly handedIn: Promise<void>;
  /** Rejects with the failure of the first mail that could not be judged; the desk takes no more then. */
  score(): Promise<Score>;
}

export interface DeskOptions {
  readonly runtime: Runtime;
  readonly agent: TriageAgent;
  readonly mails: readonly LabelledMail[];
  /** Mails in work at the same time, those of overlapping rounds together. */
  readonly inFlight: number;
  /** Milliseconds from any origin. */
  readonly now: () => number;
}

export class Desk {
  readonly #options: DeskOptions;
  readonly #seats: Seats;
  /** Mails handed in, and calls that went out for them. */
  #handedIn = 0;
  #called = 0;
  #failure: { readonly error: unknown } | undefined;
  /** Called whenever one of these changes. */
  readonly #listeners = new Set<() => void>();

  /** @throws TypeError without any mail. */
  constructor(options: DeskOptions) {
    if (options.mails.length === 0) throw new TypeError('there is no mail to judge');
    this.#options = options;
    this.#seats = new Seats(options.inFlight);
    const { runtime, agent } = options;
    runtime.events.on('call.started', ({ pool, sessionId }) => {
      if (pool !== 'default' || sessionId !== agent.session.id) return;
      this.#called += 1;
      this.#news();
    });
  }

  /** Mails in a round. */
  get size(): number {
    return this.#options.mails.length;
  }

  /** Mails in work at this moment. */
  get inWork(): number {
    return this.#seats.taken;
  }

  /** Begins a round; it does not wait for the one before. `onVerdict` hears of each mail. */
  begin(onVerdict: (tally: Tally) => void = () => {}): Round {
    const { agent, mails, now } = this.#options;
    const startedAtMs = now();
    const verdicts = new Map<string, Verdict>();
    let right = 0;

    const judge = async (mail: LabelledMail): Promise<void> => {
      try {
        const verdict = await agent.run({ subject: mail.subject, body: mail.body });
        if (verdicts.has(mail.id)) throw new Error(`mail ${mail.id} was judged twice`);
        verdicts.set(mail.id, verdict);
        if (verdict.label === mail.label) right += 1;
        onVerdict({ judged: verdicts.size, right });
      } catch (error) {
        this.#failure ??= { error };
        this.#news();
      } finally {
        this.#seats.free();
      }
    };

    const inWork: Promise<void>[] = [];
    const handIn = async (): Promise<void> => {
      for (const mail of mails) {
        await this.#seats.take();
        if (this.#failure === undefined) {
          this.#handedIn += 1;
          inWork.push(judge(mail));
        } else this.#seats.free();
      }
      await this.#allCalled();
    };
    const handedIn = handIn();

    const score = async (): Promise<Score> => {
      await handedIn;
      await Promise.all(inWork);
      if (this.#failure !== undefined) throw this.#failure.error;
      const revisions = new Set([...verdicts.values()].map(({ revision }) => revision));
      return { mails: mails.length, right, verdicts, revisions, durationMs: now() - startedAtMs };
    };
    return { handedIn, score };
  }

  #allCalled(): Promise<void> {
    return new Promise((resolve) => {
      const look = (): void => {
        if (this.#called < this.#handedIn && this.#failure === undefined) return;
        this.#listeners.delete(look);
        resolve();
      };
      this.#listeners.add(look);
      look();
    });
  }

  #news(): void {
    for (const look of this.#listeners) look();
  }
}
