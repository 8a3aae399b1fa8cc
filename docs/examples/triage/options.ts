/** What can be asked of the job on its command line. */

import { parseArgs } from 'node:util';

export interface Options {
  /** Held-out mails in each round. */
  readonly mails: number;
  /** Trials of the optimizer; 0: it does not run. */
  readonly trials: number;
}

/** Fewer with a real model, which takes longer and may cost money. */
const HELD_OUT = 200;
const WITH_REAL_MODEL = 20;
const TRIALS = 30;
const MOST_TRIALS = 1000;

/** @throws Error that says what was wrong. */
export function readOptions(args: readonly string[], env: NodeJS.ProcessEnv): Options {
  const { values } = parseArgs({ args: [...args], options: { mails: { type: 'string' }, trials: { type: 'string' } } });
  const mails = values.mails === undefined ? (env.LM_MODEL ? WITH_REAL_MODEL : HELD_OUT) : Number(values.mails);
  if (!Number.isInteger(mails) || mails < 10 || mails > HELD_OUT)
    throw new Error(`--mails: expected a whole number from 10 to ${HELD_OUT}, got ${values.mails}`);
  const trials = values.trials === undefined ? (env.LM_MODEL ? 0 : TRIALS) : Number(values.trials);
  if (!Number.isInteger(trials) || trials < 0 || trials > MOST_TRIALS)
    throw new Error(`--trials: expected a whole number from 0 to ${MOST_TRIALS}, got ${values.trials}`);
  return { mails, trials };
}
