/** A worker is killed in the middle of a round, and not one mail is lost or counted twice. */

import type { Runtime } from 'coilyard';
import { type Casualty, killWorker } from './casualty.js';
import type { Score, Tally } from './desk.js';
import { indented, rightOf, seconds } from './report.js';
import { progress, type Stage } from './stage.js';

/** @param before the round before, with the same values and without an accident. */
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
  show.say(`${calls.begun} calls, ${calls.answered} answers, ${score.verdicts.size} of ${desk.size} mails judged:`);
  show.say(
    `none lost, none counted twice. ${rightOf(score)} right, ${same(before, score)} verdicts as in the round before`,
  );
  show.begin(`waiting for another worker in the place of ${workerId}`);
  const { pid, afterMs } = await replaced;
  show.end();
  show.say(`${workerId} is back as process ${pid}, ${seconds(afterMs)} after the kill`);
}

/** Counts calls of modules and their answers. A call that is made again on another worker is still one call. */
class CallCount {
  begun = 0;
  answered = 0;
  readonly stop: () => void;

  constructor({ events }: Runtime) {
    const offs = [
      events.on('call.started', ({ pool }) => {
        if (pool === 'default') this.begun += 1;
      }),
      events.on('call.ended', ({ pool, code }) => {
        if (pool === 'default' && code === 'ok') this.answered += 1;
      }),
    ];
    this.stop = () => {
      for (const off of offs) off();
    };
  }
}

function same(one: Score, other: Score): number {
  return [...one.verdicts].filter(([mail, { spam }]) => other.verdicts.get(mail)?.spam === spam).length;
}
