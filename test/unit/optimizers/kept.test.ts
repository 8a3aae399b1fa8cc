import { expect, test } from 'vitest';
import { settle } from '../../../src/testing/manual-clock.js';
import { aHouse, Counting, nextTrial, story } from './harness.js';

test('runs and what they have tried are kept with their session', async () => {
  const house = await aHouse();
  const run = await house.start(new Counting(), {
    objective: (value) => {
      if (value === 1) throw new Error('no luck');
      return { accuracy: Number(value), cost: 1 };
    },
    metric: 'accuracy',
    direction: 'minimize',
    maxIterations: 4,
  });
  const [status, trials, entries] = [await run.ended, await story(run), house.session.optimizationHistory('x')];
  await house.session.stop({ keep: true });
  const again = await house.sessions.find('a');
  expect(again.optimization('x')).toEqual(status);
  expect(again.optimizationHistory('x')).toEqual(entries);
  expect(trials).toEqual(['1 0 0', '2 1 null', '3 2 2', '4 3 3']);
  expect(again.runTrials(run.id, 0, 10).map(({ iteration, error }) => [iteration, error])).toEqual([
    [1, ''],
    [2, 'no luck'],
    [3, ''],
    [4, ''],
  ]);
});

test('a run goes on over any number of lives of its session', async () => {
  const house = await aHouse();
  const run = await house.start(new Counting(), { maxIterations: 20 });
  for (let trial = await run.ask(); trial !== undefined; trial = await run.ask()) {
    house.supervisor.kill();
    await settle();
    await run.tell(trial, trial.number);
  }
  expect(house.supervisor.lives).toHaveLength(21);
  expect(run.status()).toMatchObject({ reason: 'max_iterations', iteration: 20, bestScore: 20 });
  expect(house.session.optimizationHistory('x').map(({ iteration }) => iteration)).toEqual(
    Array.from({ length: 20 }, (_, index) => index + 1),
  );
});

test('a trial that was told while its session was down counts once', async () => {
  const house = await aHouse();
  house.supervisor.restartsAtOnce = false;
  const run = await house.start(new Counting());
  const trial = await nextTrial(run);
  house.supervisor.kill();
  const told = [run.tell(trial, 1), run.tell(trial, 1)];
  await house.clock.advance(1000);
  await house.supervisor.restart();
  await house.clock.advance(1000);
  const answers = await Promise.all(told);
  expect(answers.map((answer) => answer.trial.iteration)).toEqual([1, 1]);
  expect(run.status().iteration).toBe(1);
});
