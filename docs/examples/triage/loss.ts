/** A worker is killed in the middle of a round, and not one mail is lost or counted twice. */

import { CallCount } from './call-count.js';
import { type Casualty, killWorker } from './casualty.js';
import type { Score, Tally } from './desk.js';
import { indented, rightOf, seconds } from './report.js';
import { progress, type Stage } from './stage.js';

/**
 * Ends when the pool is whole again and has judged one more round.
 *
 * @param before the round before, with the same values and without an accident.
 */
export async function loseWorker({ runtime, desk, show, clock }: Stage, before: Score): Promise<void> {
  const calls = new CallCount(runtime);
  const tell = progress(show, desk.size, 'while a worker is killed');
  let casualty: Casualty | undefined;
  const onVerdict = (tally: Tally): void => {
    tell(tally);
    if (casualty !== undefined || tally.judged < desk.size / 3) return;
    casualty = killWorker(runtime, 'default', clock);
    const { workerId, pid, inHands } = casualty;
    show.say(show.bold(`\nkill -9 ${pid}: ${workerId}, after ${tally.judged} mails, with ${inHands} in its hands`));
  };
  const score = await desk.begin(onVerdict).score();
  calls.stop();
  if (casualty === undefined) throw new Error('the round was over before a worker was killed');
  const { workerId, noticed, replaced }: Casualty = casualty;
  const { reason, tree } = await noticed;
  show.end();
  show.say(indented(`${workerId} ended: ${reason}\n${tree}`));
  show.say(
    `${calls.begun} calls, ${calls.answered} answers, ${score.verdicts.size} of ${desk.size} mails judged: none lost,`,
  );
  show.say(`none counted twice, those in its hands judged anew by the other worker. ${rightOf(score)} right,`);
  show.say(`${same(before, score)} of ${desk.size} verdicts as in the round before`);
  show.begin(`waiting for another worker in the place of ${workerId}`);
  const { pid, afterMs } = await replaced;
  show.end();
  show.say(`${workerId} is back as process ${pid}, ${seconds(afterMs)} after the kill`);
  const after = new CallCount(runtime);
  const last = await desk.begin(progress(show, desk.size, 'with both workers')).score();
  after.stop();
  show.end();
  const shares = [...after.answeredBy].sort().map(([id, mails]) => `${id} judged ${mails}`);
  show.say(`and at work: of one more round, ${rightOf(last)} right, ${shares.join(' and ')} mails`);
}

function same(one: Score, other: Score): number {
  return [...one.verdicts].filter(([mail, { spam }]) => other.verdicts.get(mail)?.spam === spam).length;
}
