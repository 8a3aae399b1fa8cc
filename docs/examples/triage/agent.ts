/**
 * The triage agent: is this mail spam? Everything that one may want to change while it runs is a variable; the judging
 * is a DSPy program in `triage.py`, which a Python worker imports.
 */

import { defineAgent, dspy, variable } from 'coilyard';

/** Subject and body of a mail, the body as long as it is: `body_chars` decides how much of it the prompt carries. */
export interface MailText {
  readonly subject: string;
  readonly body: string;
}

export interface Verdict {
  readonly label: 'ham' | 'spam';
  /** How much speaks for spam, from 0 to 1. */
  readonly spam: number;
  /** The session's revision whose values it was judged with. */
  readonly revision: number;
}

const signature = 'subject, body -> label, confidence: float';

export const Triage = defineAgent({
  name: 'triage',
  variables: {
    /** How the model is asked: for the verdict alone, or for its reasons first. */
    strategy: variable.module('Predict', { choices: ['Predict', 'ChainOfThought'] }),
    /** Labelled mails that DSPy's optimizer puts into the prompt. */
    max_demos: variable.integer(0, { min: 0, max: 96 }),
    /** Characters of the body that the prompt carries, of each demonstration too. */
    body_chars: variable.integer(1200, { min: 0, max: 1200 }),
    /** Handed to the model with each call. */
    temperature: variable.float(0.7, { min: 0, max: 2, step: 0.1 }),
    /** A mail is called spam when more than this speaks for it. */
    threshold: variable.float(0.5, { min: 0, max: 1, step: 0.01 }),
  },
  modules: {
    Predict: dspy.module('triage.predict', signature),
    ChainOfThought: dspy.module('triage.chain_of_thought', signature),
  },
  async forward({ variables, modules, session }, { subject, body }: MailText): Promise<Verdict> {
    // Read together, before anything is awaited: whatever is changed meanwhile is for the next mail.
    const { strategy, threshold } = variables;
    const { revision } = session;
    // Judging a mail twice does no harm, so a worker that dies with it in hand is no failure.
    const judged = await modules.execute(strategy, { subject, body }, { idempotent: true });
    const spam = judged.label === 'spam' ? judged.confidence : 1 - judged.confidence;
    return { label: spam > threshold ? 'spam' : 'ham', spam, revision };
  },
});
