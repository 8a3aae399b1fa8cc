/**
 * What a suggestion of a Gaussian process costs, and for how long it keeps others from the event loop. Run with
 * `npm run bench -- suggestions`.
 *
 * The baseline is the same suggestion, worked out at once. A stretch is what lies between two turns of the loop. All of it
 * is processor time, the least of some rounds, because a busy machine makes wall clocks lie.
 */

import { systemClock } from '../../src/kernel/clock.js';
import { bayesian } from '../../src/optimizers/algorithms/bayesian.js';
import type { Candidate, Optimizer, StudyVariable, Suggestion } from '../../src/optimizers/algorithms/optimizer.js';
import { type Answer, isWork } from '../../src/optimizers/algorithms/work.js';
import { LoopShare } from '../../src/optimizers/loop-share.js';

const ROUNDS = 9;

function atOnce<T>(answer: Answer<T>): T {
  if (answer instanceof Promise || !isWork(answer)) throw new TypeError('expected an answer in pieces');
  for (;;) {
    const { done, value } = answer.next();
    if (done === true) return value;
  }
}

const scoreOf = (values: Candidate): number =>
  -values.reduce<number>((sum, value, index) => sum + (Number(value) - ((index * 7) % 10) / 10) ** 2, 0);

const tell = (optimizer: Optimizer, values: Candidate): void =>
  atOnce(optimizer.tell(values, { state: 'complete', score: scoreOf(values), metrics: {} }));

/** One that has been told of so many trials over so many variables: always the same one. */
function anExperienced(count: number, trials: number): Optimizer {
  const variables = Array.from(
    { length: count },
    (_, index): StudyVariable => ({ name: `v${index}`, type: 'float', value: 0.5, constraints: { min: 0, max: 1 } }),
  );
  const random = { next: () => 0.5, token: () => '', uuid: () => '' };
  const optimizer = atOnce(
    bayesian({ variables, direction: 'maximize', maxIterations: 1000, config: { seed: 1 }, random }),
  );
  for (let trial = 0; trial < trials; trial += 1)
    tell(
      optimizer,
      variables.map((_, index) => (((trial + 1) * (index + 3) * 0.618) % 1) ** 2),
    );
  return optimizer;
}

interface Cost {
  readonly cpuMs: number;
  readonly longestMs: number;
  readonly suggestions: readonly Suggestion[];
}

const cpuNowMs = (): number => {
  const { user, system } = process.cpuUsage();
  return (user + system) / 1000;
};

async function costOf(work: () => Promise<readonly Suggestion[]>): Promise<Cost> {
  const begunAtMs = cpuNowMs();
  let [longestMs, turnedAtMs, isOver] = [0, begunAtMs, false];
  const turn = (): void => {
    const nowMs = cpuNowMs();
    longestMs = Math.max(longestMs, nowMs - turnedAtMs);
    turnedAtMs = nowMs;
    if (!isOver) setImmediate(turn);
  };
  setImmediate(turn);
  const suggestions = await work();
  isOver = true;
  turn();
  return { cpuMs: turnedAtMs - begunAtMs, longestMs, suggestions };
}

const least = (costs: readonly Cost[], of: (cost: Cost) => number): number => Math.min(...costs.map(of));

async function compare(variables: number, trials: number, runs = 1): Promise<void> {
  const loop = new LoopShare(systemClock);
  const anExperiencedOne = (): Optimizer => anExperienced(variables, trials);
  const whole = Array.from({ length: runs }, anExperiencedOne);
  const sliced = Array.from({ length: runs }, anExperiencedOne);
  const [wholes, slices]: [Cost[], Cost[]] = [[], []];
  for (let round = 0; round < ROUNDS; round += 1) {
    const one = await costOf(async () => whole.map((optimizer) => atOnce(optimizer.ask())));
    const other = await costOf(() => Promise.all(sliced.map((optimizer) => loop.run(() => optimizer.ask()))));
    if (JSON.stringify(one.suggestions) !== JSON.stringify(other.suggestions))
      throw new Error('slices came to something else');
    for (const [index, suggestion] of one.suggestions.entries())
      for (const optimizer of [whole[index], sliced[index]])
        if (optimizer !== undefined && suggestion.type === 'candidate') tell(optimizer, suggestion.values);
    wholes.push(one);
    slices.push(other);
  }
  const cpuMs = least(wholes, (cost) => cost.cpuMs);
  const ratio = least(slices, (cost) => cost.cpuMs) / cpuMs;
  const longestMs = least(slices, (cost) => cost.longestMs);
  const share = longestMs / least(wholes, (cost) => cost.longestMs);
  console.log(
    `${variables} variables, ${trials} trials${runs === 1 ? '' : `, ${runs} runs`}`.padEnd(34),
    `at once ${cpuMs.toFixed(1).padStart(6)} ms  in slices ${ratio.toFixed(2)} of it `,
    `longest stretch ${longestMs.toFixed(2)} ms, ${share.toFixed(3)} of what it is at once`,
  );
}

for (const variables of [1, 4, 20, 100]) for (const trials of [20, 100, 300]) await compare(variables, trials);
await compare(1000, 100);
await compare(4, 100, 20);
