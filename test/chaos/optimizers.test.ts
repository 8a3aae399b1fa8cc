import { setTimeout as sleep } from 'node:timers/promises';
import { expect, test } from 'vitest';
import { seededRandom } from '../../src/optimizers/algorithms/seeded-random.js';
import type { OptimizationRun } from '../../src/optimizers/optimization-run.js';
import { startRuntime } from '../../src/runtime.js';
import type { Session } from '../../src/sessions/session.js';
import { systemRandom } from '../../src/kernel/clock.js';
import { eventually } from '../support/processes.js';
import { aPythonRuntime } from '../support/python-runtime.js';
import { type Fate, ScriptedStore } from '../unit/sessions/scripted-store.js';

const fates: readonly Fate[] = [
  'throws_before',
  'throws_after',
  'rejects_before',
  'rejects_after',
  'breaks_state',
  'garbage',
];

/** What the session keeps of a run fits together. */
function expectSound(session: Session, run: OptimizationRun): void {
  const { iteration, bestScore, reason, committed } = run.status();
  const trials = session.runTrials(run.id, 0, 1000);
  expect(reason).not.toBeNull();
  expect(trials.map((trial) => trial.iteration)).toEqual(Array.from({ length: iteration }, (_, index) => index + 1));
  const scores = trials.flatMap(({ score }) => (score === null ? [] : [score]));
  expect(bestScore).toBe(scores.length === 0 ? null : Math.max(...scores));
  if (committed.size > 0) expect(['max_iterations', 'converged', 'exhausted', 'stopped', 'timeout']).toContain(reason);
}

test('runs over sessions that crash, under clients that vanish and objectives that fail: each ends once and lets go', async () => {
  const random = seededRandom({ seed: 20 }, systemRandom);
  const oneOf = <T>(items: readonly T[]): T | undefined => items[Math.floor(random.next() * items.length)];
  const store = new ScriptedStore();
  const runtime = await startRuntime({ python: false, store });
  const sessions = await Promise.all(Array.from({ length: 12 }, (_, n) => runtime.sessions.start({ id: `s-${n}` })));
  for (const session of sessions)
    await session.registerMany(
      ['a', 'b', 'c'].map((name) => ({ name, type: 'float', initialValue: 0.5, constraints: { min: 0, max: 1 } })),
    );
  // Few enough that no session is left alone for long because it keeps crashing.
  const trouble = (async () => {
    for (let fault = 0; fault < 40; fault += 1) {
      const fate = oneOf(fates);
      if (fate !== undefined) store.fates.push(fate);
      await sleep(25);
    }
  })();

  const one = async (session: Session, variable: string, n: number): Promise<void> => {
    const run = await runtime.optimizers.start(session, variable, {
      optimizer: oneOf(['random_search', 'grid_search', 'bayesian']) ?? 'random_search',
      maxIterations: 15,
      convergenceThreshold: 0,
      leaseMs: 200,
      parallel: n % 2 === 0 ? 3 : 1,
      applyTrials: n % 2 === 1,
      ...(n % 3 === 0
        ? {}
        : {
            objective: async (value: unknown) => {
              await sleep(random.next() * 5);
              if (random.next() < 0.2) throw new Error('no luck');
              return Number(value);
            },
          }),
    });
    if (n % 5 === 0) setTimeout(() => void run.stop().catch(() => undefined), random.next() * 100);
    if (n % 3 === 0)
      for (const client of ['one', 'two'])
        void (async () => {
          // A client goes away as soon as anything goes wrong, and sometimes without that.
          for (let trial = await run.ask(client); trial !== undefined; trial = await run.ask(client)) {
            if (random.next() < 0.05) return;
            await sleep(random.next() * 5);
            await run.tell(trial, random.next(), client);
          }
        })().catch(() => undefined);
    await run.ended;
    expectSound(session, run);
  };

  let started = 0;
  const endings = new Map<string, number>();
  await Promise.all(
    sessions.flatMap((session) =>
      ['a', 'b', 'c'].map(async (variable) => {
        for (let round = 0; round < 5; round += 1) {
          started += 1;
          const ending = await one(session, variable, started).then(
            () => 'sound',
            (error: unknown) => (error instanceof Error && 'code' in error ? String(error.code) : String(error)),
          );
          endings.set(ending, (endings.get(ending) ?? 0) + 1);
        }
      }),
    ),
  );
  await trouble;
  store.fates.length = 0;
  // A start, or the reading of a session that is down, may have been refused: by nothing else than that.
  for (const ending of endings.keys()) expect(['sound', 'session_crashed', 'store_unavailable']).toContain(ending);
  expect(endings.get('sound')).toBeGreaterThan(started / 2);
  for (const session of sessions)
    for (const variable of ['a', 'b', 'c']) {
      await eventually(() => session.optimization(variable)?.isOptimizing === false, `${variable} is free`);
      const run = await runtime.optimizers.start(session, variable, {
        optimizer: 'random_search',
        maxIterations: 2,
        objective: () => 1,
      });
      expect(await run.ended).toMatchObject({ reason: 'max_iterations' });
    }
  expect(await runtime.stop()).toMatchObject({ killed: [], failed: [] });
});

test('runs whose workers are killed again and again end with all their trials', async () => {
  await using house = await aPythonRuntime({ size: 3, concurrency: 4, imports: ['objective_tools'] });
  await house.ready(3);
  const session = await house.runtime.sessions.start();
  const runs = await Promise.all(
    ['a', 'b', 'c'].map(async (name) => {
      await session.register(name, 'float', 0.5, { constraints: { min: 0, max: 1 } });
      return house.runtime.optimizers.start(session, name, {
        optimizer: 'random_search',
        objective: 'late',
        maxIterations: 60,
        convergenceThreshold: 0,
        parallel: 3,
      });
    }),
  );
  let isOver = false;
  const killing = (async () => {
    while (!isOver) {
      await sleep(150);
      // One that is left alone for a while because it was killed too often would take no part any more.
      const [pid = 0] = await house.ready(3);
      process.kill(pid, 'SIGKILL');
      await house.missed([pid]);
    }
  })();
  const ended = await Promise.all(runs.map((run) => run.ended));
  isOver = true;
  await killing;
  for (const [index, status] of ended.entries()) {
    expect(status).toMatchObject({ reason: 'max_iterations', iteration: 60, error: '' });
    const run = runs[index];
    if (run !== undefined) expectSound(session, run);
  }
});
