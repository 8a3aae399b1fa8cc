/** What a person did by hand, an optimizer does by itself: another agent, other mails, and nobody who helps it. */

import { Triage } from './agent.js';
import { Desk, type TriageAgent } from './desk.js';
import type { LabelledMail } from './mails.js';
import { percent, seconds } from './report.js';
import type { Stage } from './stage.js';

/** The values that are searched, all at once. */
const searched = ['strategy', 'max_demos', 'body_chars', 'temperature', 'threshold'] as const;

/**
 * Every trial sets the variables of a running agent, which judges a round with them.
 *
 * @param mails neither demonstrations nor held out: what is found is not fitted to what it is measured with.
 */
export async function search(
  { runtime, show, clock }: Pick<Stage, 'runtime' | 'show' | 'clock'>,
  mails: readonly LabelledMail[],
  options: { readonly trials: number; readonly inFlight: number },
): Promise<TriageAgent> {
  const { trials, inFlight } = options;
  const agent = await runtime.start(Triage);
  const desk = new Desk({ runtime, agent, mails, inFlight, now: clock.monotonicMs });
  const startedAtMs = clock.monotonicMs();
  show.say(
    show.bold(`\nan optimizer: ${trials} trials on ${mails.length} other mails, ${searched.length} variables at once`),
  );
  let best = 0;
  const run = await runtime.optimizers.start(agent.session, searched, {
    optimizer: 'bayesian',
    config: { seed: 4 },
    maxIterations: trials,
    convergenceThreshold: 0,
    applyTrials: true,
    objective: async (_values, { number }) => {
      show.progress(`trial ${number} of ${trials}, the best so far ${percent(best)} right`);
      const { right } = await desk.begin().score();
      return right / mails.length;
    },
    onTrial: ({ iteration, score }) => {
      if (score === null || score <= best) return;
      best = score;
      show.say(`trial ${String(iteration).padStart(3)}  ${percent(score).padStart(7)}`);
    },
  });
  const { bestScore, committed, error, reason } = await run.ended;
  show.end();
  if (bestScore === null) throw new Error(`no trial has succeeded: ${error || reason}`);
  const took = seconds(clock.monotonicMs() - startedAtMs);
  show.say(show.dim(`after ${took} the best values of ${committed.size} variables are committed, at one revision`));
  return agent;
}
