/**
 * What is tried next, and who is told what it was worth: the optimizer of one run, as its study consults it. It is code of
 * users, which may throw, answer nonsense, or never answer: whatever it does becomes advice, or words for what is wrong.
 */

import { describeThrown, describeValue } from '../kernel/errors.js';
import { err, ok, type Result } from '../kernel/result.js';
import type { Candidate, Optimizer, Suggestion, TrialResult } from './algorithms/optimizer.js';
import type { Answer } from './algorithms/work.js';
import type { LoopShare } from './loop-share.js';
import { unlessAborted } from './unless-aborted.js';

export interface AdvisorOptions {
  readonly optimizer: Optimizer;
  /** The values of before the run: they are tried first. */
  readonly present: Candidate;
  /** The values as the variables would keep them. Rejects with why one of them cannot be. */
  readonly check: (values: Candidate) => Promise<Candidate>;
  /** Aborted when the run ends: no answer is waited for any more. */
  readonly signal: AbortSignal;
  /** The time that it may compute in. */
  readonly share: LoopShare;
}

const wait: Suggestion = Object.freeze({ type: 'wait' });
const done: Suggestion = Object.freeze({ type: 'done' });

export class Advisor {
  readonly #options: AdvisorOptions;
  #hasGivenPresent = false;
  #isDone = false;

  constructor(options: AdvisorOptions) {
    this.#options = options;
  }

  /** The optimizer has nothing more, and is not asked any more. */
  get isDone(): boolean {
    return this.#isDone;
  }

  /** The present values first, then what the optimizer suggests; `wait` when the run has ended meanwhile. */
  async next(): Promise<Result<Suggestion, string>> {
    if (!this.#hasGivenPresent) {
      this.#hasGivenPresent = true;
      return ok({ type: 'candidate', values: this.#options.present });
    }
    const suggested = await this.#consult('ask', wait, (optimizer) => optimizer.ask(), readSuggestion);
    if (!suggested.ok) return suggested;
    this.#isDone = suggested.value.type === 'done';
    return suggested.value.type === 'candidate' ? this.#checked(suggested.value.values) : suggested;
  }

  /** The outcome of a trial, whoever has proposed its values. */
  tell(values: Candidate, result: TrialResult): Promise<Result<void, string>> {
    return this.#consult(
      'tell',
      undefined,
      (optimizer) => optimizer.tell(values, result),
      () => undefined,
    );
  }

  /** Whether the run is to end although there is more to try. */
  wantsToStop(): Promise<Result<boolean, string>> {
    return this.#consult('shouldStop', false, (optimizer) => optimizer.shouldStop?.(), Boolean);
  }

  async #checked(values: Candidate): Promise<Result<Suggestion, string>> {
    try {
      return ok({ type: 'candidate', values: await this.#options.check(values) });
    } catch (error) {
      return err(`the optimizer suggested what cannot be: ${describeThrown(error)}`);
    }
  }

  /** @param otherwise the answer when the run ends before there is one. */
  async #consult<T, Given>(
    what: string,
    otherwise: T,
    call: (optimizer: Optimizer) => Answer<Given>,
    read: (answer: Given | undefined) => T,
  ): Promise<Result<T, string>> {
    const { optimizer, signal, share } = this.#options;
    try {
      const answer = await unlessAborted(
        share.run(() => call(optimizer), signal),
        signal,
      );
      return ok(signal.aborted ? otherwise : read(answer));
    } catch (error) {
      return err(`${what} of the optimizer failed: ${describeThrown(error)}`);
    }
  }
}

function readSuggestion(suggestion: unknown): Suggestion {
  if (typeof suggestion === 'object' && suggestion !== null && 'type' in suggestion) {
    if (suggestion.type === 'wait') return wait;
    if (suggestion.type === 'done') return done;
    if (suggestion.type === 'candidate' && 'values' in suggestion && Array.isArray(suggestion.values))
      return { type: 'candidate', values: [...suggestion.values] };
  }
  throw new TypeError(`it suggested ${describeValue(suggestion)}`);
}
