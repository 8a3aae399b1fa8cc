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
    for await (const { made, score } of rounds(stage, tuner)) {
      const before = scores.at(-1);
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
    show.say(show.dim('Mails were in work at each change. Every one was judged with the values that it began with.'));
    return { startSettings, first, last };
  } finally {
    await tuner.close();
  }
}

/** Each round's score with the change that was made before it. */
async function* rounds({ desk, show }: Stage, tuner: Tuner): AsyncGenerator<{ made?: Made; score: Score }> {
  let round = desk.begin(progress(show, desk.size, 'with the values it starts with'));
  let made: Made | undefined;
  for (const change of changes) {
    // All are in work and the last are still being judged: nothing stands still for a change.
    await round.handedIn;
    const nextMade = await tuner.make(change);
    const next = desk.begin(progress(show, desk.size, `with ${change.variable} ${change.value}`));
    yield { ...(made === undefined ? {} : { made }), score: await round.score() };
    [round, made] = [next, nextMade];
  }
  yield { ...(made === undefined ? {} : { made }), score: await round.score() };
}
