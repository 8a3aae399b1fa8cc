/** Round after round without a pause, a change between one and the next: the score moves while the agent runs. */

import { changes, type Made, Tuner } from './changes.js';
import type { Score } from './desk.js';
import { changeLine, changesHead, rate, rightOf, settings } from './report.js';
import { progress, type Stage } from './stage.js';

export interface Retuned {
  readonly startSettings: string;
  readonly first: Score;
  readonly last: Score;
}

export async function retune(stage: Stage): Promise<Retuned> {
  const { runtime, agent, show, clock } = stage;
  const startSettings = settings(agent.session);
  const tuner = await Tuner.start(runtime, agent, clock);
  try {
    const scores: Score[] = [];
    const atWork: number[] = [];
    for await (const { made, inWork, score } of rounds(stage, tuner)) {
      const before = scores.at(-1);
      if (inWork !== undefined) atWork.push(inWork);
      scores.push(score);
      if (made !== undefined && before !== undefined) show.say(changeLine(show, made, before, score));
      else {
        show.say(`right with the values it starts with: ${rightOf(score)}, at ${rate(score)}\n`);
        show.say(show.bold(changesHead()));
      }
      if (score.revisions.size !== 1) throw new Error('a change reached mails that were in work already');
    }
    show.end();
    const [first, last] = [scores[0], scores.at(-1)];
    if (first === undefined || last === undefined) throw new Error('nothing was judged');
    const [least, most] = [Math.min(...atWork), Math.max(...atWork)];
    const mails = least === most ? `${least}` : `${least} to ${most}`;
    show.say(
      show.dim(`At each change ${mails} mails were in work; each was judged with the values that it began with.`),
    );
    return { startSettings, first, last };
  } finally {
    await tuner.close();
  }
}

interface RoundEnd {
  /** The change that was made before the round, and how many mails of the round before were in work then. */
  readonly made?: Made;
  readonly inWork?: number;
  readonly score: Score;
}

async function* rounds({ desk, show }: Stage, tuner: Tuner): AsyncGenerator<RoundEnd> {
  let round = desk.begin(progress(show, desk.size, 'with the values it starts with'));
  let change: Omit<RoundEnd, 'score'> = {};
  for (const nextChange of changes) {
    // All are in work and the last are still being judged: nothing stands still for a change.
    await round.handedIn;
    const { inWork } = desk;
    const made = await tuner.make(nextChange);
    const next = desk.begin(progress(show, desk.size, `with ${nextChange.variable} ${nextChange.value}`));
    yield { ...change, score: await round.score() };
    round = next;
    change = { made, inWork };
  }
  yield { ...change, score: await round.score() };
}
