/** Where mails are judged: several at a time, round after round, each mail of a round counted once. */

import type { Agent } from 'coilyard';
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
   * Resolves when every mail of the round is in work and none waits: what is changed now is for the next round, and
   * the last few mails are still being judged. How the round ended, a failure too, is told by `score`.
   */
  readonly handedIn: Promise<void>;
  /** Rejects with the failure of the first mail that could not be judged. */
  score(): Promise<Score>;
}

export interface DeskOptions {
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

  /** @throws TypeError without any mail. */
  constructor(options: DeskOptions) {
    if (options.mails.length === 0) throw new TypeError('there is no mail to judge');
    this.#options = options;
    this.#seats = new Seats(options.inFlight);
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
    let failure: { readonly error: unknown } | undefined;
    let oneMore: () => void = () => {};

    const judge = async (mail: LabelledMail): Promise<void> => {
      try {
        const verdict = await agent.run({ subject: mail.subject, body: mail.body });
        if (verdicts.has(mail.id)) throw new Error(`mail ${mail.id} was judged twice`);
        verdicts.set(mail.id, verdict);
        if (verdict.label === mail.label) right += 1;
        onVerdict({ judged: verdicts.size, right });
      } catch (error) {
        failure ??= { error };
      } finally {
        this.#seats.free();
        oneMore();
      }
    };

    const inWork: Promise<void>[] = [];
    const handIn = async (): Promise<void> => {
      for (const mail of mails) {
        await this.#seats.take();
        if (failure !== undefined) {
          this.#seats.free();
          return;
        }
        inWork.push(judge(mail));
      }
      // A verdict comes over the network, so by then the mail that was handed in last is on its way.
      await new Promise<void>((resolve) => {
        oneMore = resolve;
      });
    };
    const handedIn = handIn();

    const score = async (): Promise<Score> => {
      await handedIn;
      await Promise.all(inWork);
      if (failure !== undefined) throw failure.error;
      const revisions = new Set([...verdicts.values()].map(({ revision }) => revision));
      return { mails: mails.length, right, verdicts, revisions, durationMs: now() - startedAtMs };
    };
    return { handedIn, score };
  }
}
