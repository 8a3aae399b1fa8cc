/**
 * What a session costs, in ratios to baselines of the same run. Run with `npm run bench -- sessions`.
 *
 * Baselines: a bare `Map`, a bare custom-logic xstate actor, and a bare awaited promise. Costs are processor time of
 * this process, because a busy machine makes wall clocks lie; each row of a size is measured in turn, so that all sizes
 * meet the same weather.
 */

import { type ActorLogic, createActor, type Snapshot } from 'xstate';
import { systemClock } from '../../src/kernel/clock.js';
import type { Session } from '../../src/sessions/session.js';
import { hostSessions } from '../support/session-host.js';
import { cpuNsEach, perSecond, row } from './measure.js';

type Bare = Snapshot<undefined> & { readonly context: { readonly map: Map<string, number>; readonly version: number } };
type BareEvent = { readonly type: 'set'; readonly key: string; readonly value: number };

const bareLogic: ActorLogic<Bare, BareEvent, undefined> = {
  getInitialSnapshot: () => snapshotOf(new Map(), 0),
  transition: (snapshot, event) => {
    if (event.type !== 'set') return snapshot;
    snapshot.context.map.set(event.key, event.value);
    return snapshotOf(snapshot.context.map, snapshot.context.version + 1);
  },
  getPersistedSnapshot: (snapshot) => snapshot,
};
const snapshotOf = (map: Map<string, number>, version: number): Bare => ({
  status: 'active',
  output: undefined,
  error: undefined,
  context: { map, version },
});

async function sessionWith(variables: number): Promise<Session> {
  const { sessions } = hostSessions({ clock: systemClock });
  const session = await sessions.start();
  const specs = Array.from({ length: variables }, (_, index) => ({
    name: `variable_${index}`,
    type: 'float',
    initialValue: 0.5,
    constraints: { min: 0, max: 1 },
  }));
  for (let at = 0; at < specs.length; at += 1000) await session.registerMany(specs.slice(at, at + 1000));
  return session;
}

const bareMap = new Map([['variable_0', 0.5]]);
const mapReads = await perSecond(10_000_000, (count) => {
  let sum = 0;
  for (let index = 0; index < count; index += 1) sum += bareMap.get('variable_0') ?? 0;
  return sum;
});
const bare = createActor(bareLogic);
bare.subscribe(() => {});
bare.start();
const actorEvents = await perSecond(2_000_000, (count) => {
  for (let index = 0; index < count; index += 1) bare.send({ type: 'set', key: 'variable_0', value: index });
});
const awaits = await perSecond(2_000_000, async (count) => {
  for (let index = 0; index < count; index += 1) await Promise.resolve(index);
});
row('bare Map get', mapReads);
row('bare xstate custom actor, one subscriber', actorEvents);
row('bare awaited promise', awaits);

const SIZES = [1, 100, 10_000];
const measured: { readonly label: string; readonly run: (session: Session, variables: number) => Promise<number> }[] = [
  {
    label: 'get',
    run: (session) =>
      cpuNsEach(5_000_000, (count) => {
        let last: unknown;
        for (let index = 0; index < count; index += 1) last = session.get('variable_0');
        return last;
      }),
  },
  {
    label: 'set one after another, one observer',
    run: (session) =>
      cpuNsEach(200_000, async (count) => {
        for (let index = 0; index < count; index += 1) await session.set('variable_0', (index % 100) / 100);
      }),
  },
  {
    label: 'set 1000 in flight, one observer',
    run: (session) =>
      cpuNsEach(200_000, async (count) => {
        for (let index = 0; index < count; index += 1000) {
          const sets: Promise<unknown>[] = [];
          for (let inner = 0; inner < 1000; inner += 1) sets.push(session.set('variable_0', inner / 1000));
          await Promise.all(sets);
        }
      }),
  },
  {
    label: 'entry of an atomic batch of 100',
    run: async (session, variables) => {
      const values = Object.fromEntries(
        Array.from({ length: Math.min(100, variables) }, (_, index) => [`variable_${index}`, 0.25]),
      );
      const entries = Object.keys(values).length;
      const each = await cpuNsEach(Math.ceil(100_000 / entries), async (count) => {
        for (let index = 0; index < count; index += 1) await session.update(values);
      });
      return each / entries;
    },
  },
];

const sized = await Promise.all(SIZES.map(sessionWith));
let heardBySized = 0;
for (const session of sized)
  session.observe('variable_0', () => {
    heardBySized += 1;
  });
for (const { label, run } of measured) {
  const costs: number[] = [];
  for (const [index, session] of sized.entries()) costs.push(await run(session, SIZES[index] ?? 1));
  const [smallest = Number.NaN] = costs;
  const shown = costs.map((cost, index) => `${SIZES[index]}: ${cost.toFixed(cost < 100 ? 1 : 0)} ns`).join('  ');
  // A batch of one entry carries the whole command: sizes are compared from 100 variables on there.
  const basis = label.startsWith('entry') ? (costs[1] ?? smallest) : smallest;
  console.log(`${label.padEnd(44)} ${shown}  growth ${((costs.at(-1) ?? Number.NaN) / basis).toFixed(2)}`);
}
if (heardBySized === 0) throw new Error('the observers heard nothing');
const actorNs = await cpuNsEach(1_000_000, (count) => {
  for (let index = 0; index < count; index += 1) bare.send({ type: 'set', key: 'variable_0', value: index });
});
console.log(`bare xstate custom actor, one subscriber: ${actorNs.toFixed(0)} ns per event`);
for (const session of sized) await session.stop();

{
  const session = await sessionWith(2);
  await session.register('sum', 'float', undefined, {
    dependencies: ['variable_0', 'variable_1'],
    compute: (values) => Number(values.variable_0) + Number(values.variable_1),
  });
  const computed = await cpuNsEach(100_000, async (count) => {
    for (let index = 0; index < count; index += 1) await session.set('variable_0', (index % 100) / 100);
  });
  console.log(`set with one computed variable behind it: ${computed.toFixed(0)} ns`);
  await session.stop();
}

{
  const session = await sessionWith(1);
  let heard = 0;
  for (let index = 0; index < 10_000; index += 1)
    session.observe('variable_0', () => {
      heard += 1;
    });
  const fanOut = await cpuNsEach(200, async (count) => {
    for (let index = 0; index < count; index += 1) await session.set('variable_0', (index % 100) / 100);
  });
  console.log(
    `10,000 observers: ${(fanOut / 1e6).toFixed(2)} ms per set, ${(fanOut / 10_000).toFixed(0)} ns each; heard ${heard}`,
  );
  await session.stop();
}

const IDLE = 100_000;
const idleRoots = 10_000;
globalThis.gc?.();
const bareBefore = process.memoryUsage().heapUsed;
const roots = Array.from({ length: idleRoots }, () => createActor(bareLogic).start());
globalThis.gc?.();
const bareBytes = (process.memoryUsage().heapUsed - bareBefore) / idleRoots;
for (const root of roots) root.stop();

const { sessions, wheel } = hostSessions({ clock: systemClock });
globalThis.gc?.();
const before = process.memoryUsage().heapUsed;
const creation = await cpuNsEach(
  IDLE,
  async (count) => {
    for (let index = 0; index < count; index += 1) {
      const idle = await sessions.start({ ttlMs: 3_600_000 });
      await idle.registerMany(['a', 'b', 'c', 'd', 'e'].map((name) => ({ name, type: 'float', initialValue: 0.5 })));
    }
  },
  1,
);
globalThis.gc?.();
const bytes = (process.memoryUsage().heapUsed - before) / IDLE;
console.log(
  `${IDLE} idle sessions with 5 variables and a time to live: ${(bytes / 1024).toFixed(1)} kB each ` +
    `(a bare xstate root actor: ${(bareBytes / 1024).toFixed(1)} kB), ${(creation / 1000).toFixed(0)} µs to create ` +
    `(${(1e9 / creation / 1000).toFixed(1)} k/s)`,
);
wheel.close();
process.exit(0);
