/** The main job from its first line to its last. */

import { type Clock, formatTree, type Runtime } from 'coilyard';
import { Triage } from './agent.js';
import { Desk, type TriageAgent } from './desk.js';
import { loseWorker } from './loss.js';
import { readMails } from './mails.js';
import type { Options } from './options.js';
import { whole } from './readiness.js';
import { histories, indented, percent, rightOf, seconds, settings } from './report.js';
import { retune } from './retuning.js';
import { search } from './search.js';
import type { Stage } from './stage.js';
import type { Terminal } from './terminal.js';
import { measureYardstick } from './yardstick.js';

/** Training mails that may become demonstrations: the first ones. */
const MOST_DEMONSTRATIONS = 96;

/** Mails in work at the same time. */
const IN_FLIGHT = 8;

export async function story(runtime: Runtime, options: Options, show: Terminal, clock: Clock): Promise<void> {
  const mails = (await readMails('held_out')).slice(0, options.mails);
  const spam = mails.filter(({ label }) => label === 'spam').length;
  show.say(
    show.bold(`Is this mail spam? ${mails.length} held-out mails, ${spam} of them spam, judged by a DSPy program`),
  );
  await introduceWorkers(runtime, show, clock);

  const agent = await runtime.start(Triage);
  const desk = new Desk({ runtime, agent, mails, inFlight: IN_FLIGHT, now: clock.monotonicMs });
  const stage: Stage = { runtime, agent, desk, show, clock };
  const { startSettings, first, last } = await retune(stage);
  await loseWorker(stage, last);
  const found = await searched(stage, options);

  show.say(show.bold('\nthe tree'));
  show.say(indented(formatTree(runtime.tree())));
  show.say(show.bold('\nwhat each variable is, and what it was before'));
  for (const line of histories(agent.session)) show.say(indented(line));
  show.say(show.bold(`\nright, of ${mails.length} held-out mails`));
  show.say(`  ${rightOf(first).padStart(7)}  at first: ${startSettings}`);
  show.say(`  ${rightOf(last).padStart(7)}  by hand: ${settings(agent.session)}`);
  if (found !== undefined) {
    const score = await new Desk({ runtime, agent: found, mails, inFlight: IN_FLIGHT, now: clock.monotonicMs })
      .begin()
      .score();
    show.say(`  ${rightOf(score).padStart(7)}  by the optimizer: ${settings(found.session)}`);
  }
  await compare(stage, Number(agent.session.get('max_demos')));
}

async function introduceWorkers(runtime: Runtime, show: Terminal, clock: Clock): Promise<void> {
  const startedAtMs = clock.monotonicMs();
  show.begin('starting two Python workers that load DSPy, and one beside them');
  const [model] = await Promise.all([runtime.python.call('describe_model'), runtime.python.start('beside')]);
  const pids = await whole(runtime, 'default', clock);
  await whole(runtime, 'beside', clock);
  show.end();
  show.say(`The model: ${model}.`);
  if (!process.env.LM_MODEL)
    show.say(show.dim('LM_MODEL, with OPENAI_BASE_URL or OPENAI_API_KEY, names a language model to ask instead.'));
  show.say(
    `${pids.length} workers (processes ${pids.join(' and ')}) ready after ${seconds(clock.monotonicMs() - startedAtMs)}`,
  );
}

/** The agent whose values an optimizer has found, unless there are no trials to find them with. */
async function searched(stage: Stage, { mails, trials }: Options): Promise<TriageAgent | undefined> {
  if (trials === 0) return undefined;
  const others = (await readMails('train')).slice(MOST_DEMONSTRATIONS).slice(0, mails);
  return search(stage, others, { trials, inFlight: IN_FLIGHT });
}

/** @param trainedOn as many mails as the agent has demonstrations. */
async function compare({ runtime, desk, show }: Stage, trainedOn: number): Promise<void> {
  show.begin('measuring the yardstick');
  const yardstick = await measureYardstick(runtime, desk.size);
  show.end();
  if (!yardstick.available) {
    show.say(`        –  yardstick: ${yardstick.method}, skipped:`);
    show.say(`           ${yardstick.reason}`);
    return;
  }
  const { method, accuracy } = yardstick;
  for (const [mails, share] of accuracy) {
    if (mails < trainedOn) continue;
    const which = mails === trainedOn ? `the ${mails} mails that are demonstrations` : `all ${mails} training mails`;
    show.say(`  ${percent(share).padStart(7)}  yardstick, trained on ${which}`);
  }
  show.say(`           ${method}`);
}
