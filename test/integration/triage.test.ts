/** The main job in short: real mails, real DSPy in two real workers, one of which is killed. */

import { afterAll, beforeAll, expect, test } from 'vitest';
import { type Runtime, startRuntime, systemClock } from 'coilyard';
import { Triage } from '../../docs/examples/triage/agent.js';
import { CallCount } from '../../docs/examples/triage/call-count.js';
import { type Casualty, killWorker } from '../../docs/examples/triage/casualty.js';
import { Tuner } from '../../docs/examples/triage/changes.js';
import { Desk, type TriageAgent } from '../../docs/examples/triage/desk.js';
import { type LabelledMail, readMails } from '../../docs/examples/triage/mails.js';
import { pools } from '../../docs/examples/triage/pools.js';
import { search } from '../../docs/examples/triage/search.js';
import { Terminal } from '../../docs/examples/triage/terminal.js';
import { whole } from '../../docs/examples/triage/readiness.js';

const MAILS = 40;

let runtime: Runtime;
let mails: readonly LabelledMail[];

beforeAll(async () => {
  const env = { LM_MODEL: '' };
  runtime = await startRuntime({
    python: { pools: { default: { ...pools.default, env }, beside: { ...pools.beside, env } } },
  });
  mails = (await readMails('held_out')).slice(0, MAILS);
  await Promise.all([runtime.python.call('describe_model'), runtime.python.start('beside')]);
  await Promise.all([whole(runtime, 'default', systemClock), whole(runtime, 'beside', systemClock)]);
});

afterAll(async () => {
  const pids = ['default', 'beside'].flatMap((pool) => runtime.python.workers(pool).map(({ pid }) => pid));
  const { killed } = await runtime.stop();
  expect(killed).toEqual([]);
  expect(pids.filter((pid) => pid === null || isAlive(pid))).toEqual([]);
});

function isAlive(pid: number): boolean {
  try {
    return process.kill(pid, 0);
  } catch {
    return false;
  }
}

const deskFor = (agent: TriageAgent): Desk =>
  new Desk({ runtime, agent, mails, inFlight: 8, now: systemClock.monotonicMs });

test('48 demonstrations judge better than none, and each round is judged at one revision', async () => {
  const agent = await runtime.start(Triage);
  const desk = deskFor(agent);
  await agent.session.set('temperature', 0);
  const round = desk.begin();
  await round.handedIn;
  const { revision } = await agent.session.set('max_demos', 48);
  const next = desk.begin();
  const [without, with48] = [await round.score(), await next.score()];
  expect([...without.revisions, ...with48.revisions]).toEqual([revision - 1, revision]);
  expect(with48.right).toBeGreaterThan(without.right);
});

test('a worker that is killed in the middle loses no mail: each is judged exactly once, as without the accident', async () => {
  const agent = await runtime.start(Triage);
  const desk = deskFor(agent);
  await agent.session.update({ max_demos: 16, temperature: 0 });
  const undisturbed = await desk.begin().score();

  const calls = new CallCount(runtime);
  let casualty: Casualty | undefined;
  const score = await desk
    .begin(({ judged }) => {
      if (judged === MAILS / 4) casualty = killWorker(runtime, 'default', systemClock);
    })
    .score();
  calls.stop();

  expect(casualty?.inHands).toBeGreaterThan(0);
  expect([...score.verdicts.keys()].sort()).toEqual(mails.map(({ id }) => id).sort());
  expect({ begun: calls.begun, answered: calls.answered }).toEqual({ begun: MAILS, answered: MAILS });
  expect(new Map(score.verdicts)).toEqual(new Map(undisturbed.verdicts));
  expect(await casualty?.noticed).toMatchObject({
    reason: 'signal SIGKILL',
    tree: expect.stringMatching(/ {2}(down|restarting)/),
  });
  expect((await casualty?.replaced)?.pid).not.toBe(casualty?.pid);
});

test('a change is heard in both languages, whichever of them makes it', async () => {
  const agent = await runtime.start(Triage);
  const tuner = await Tuner.start(runtime, agent, systemClock);
  try {
    const made = [
      await tuner.make({ variable: 'max_demos', value: 16, by: 'TypeScript' }),
      await tuner.make({ variable: 'max_demos', value: 48, by: 'Python' }),
    ];
    expect(made).toMatchObject([
      { oldValue: 0, version: 1 },
      { oldValue: 16, version: 2 },
    ]);
    expect(agent.session.history('max_demos').map(({ source }) => source)).toEqual([
      'python',
      'typescript',
      'typescript',
    ]);
  } finally {
    await tuner.close();
  }
});

test('an optimizer leaves the running agent with the values that judged best, all of them at one revision', async () => {
  const lines: string[] = [];
  const show = new Terminal({ write: (text: unknown) => lines.push(String(text)) > 0, isTTY: true, columns: 80 }, {});
  const agent = await search({ runtime, show, clock: systemClock }, mails, { trials: 12, inFlight: 8 });
  const { session } = agent;
  const status = session.optimization('threshold');
  expect(status).toMatchObject({ isOptimizing: false, reason: 'max_iterations', iteration: 12, conflicts: [] });
  expect([...(status?.bestValues ?? [])]).toEqual(
    ['strategy', 'max_demos', 'body_chars', 'temperature', 'threshold'].map((name) => [name, session.get(name)]),
  );
  const revisions = [...(status?.committed.keys() ?? [])].map((name) => session.variable(name).revision);
  expect(new Set(revisions).size).toBe(1);
  const [first] = session.optimizationHistory('threshold', { limit: 12 });
  expect(status?.bestScore).toBeGreaterThan(first?.score ?? 1);
  const again = await deskFor(agent).begin().score();
  expect(again.right / MAILS).toBe(status?.bestScore);
});
