/**
 * What a session costs, in ratios to baselines of the same run. Run with `npm run bench -- sessions`.
 *
 * Baselines: a bare `Map`, a bare custom-logic xstate actor, and a bare awaited promise.
 */

import { type ActorLogic, createActor, type Snapshot } from 'xstate';
import { systemClock } from '../../src/kernel/clock.js';
import type { Session } from '../../src/sessions/session.js';
import { hostSessions } from '../support/session-host.js';
import { perSecond, row } from './measure.js';

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

for (const variables of [1, 100, 10_000]) {
  const session = await sessionWith(variables);
  const label = `${variables} variables`;
  row(
    `get, ${label}`,
    await perSecond(10_000_000, (count) => {
      let last: unknown;
      for (let index = 0; index < count; index += 1) last = session.get('variable_0');
      return last;
    }),
    { name: 'Map', rate: mapReads },
  );
  let heard = 0;
  session.observe('variable_0', () => {
    heard += 1;
  });
  row(
    `set one after another, one observer, ${label}`,
    await perSecond(300_000, async (count) => {
      for (let index = 0; index < count; index += 1) await session.set('variable_0', (index % 100) / 100);
    }),
    { name: 'actor', rate: actorEvents },
  );
  row(
    `set 1000 in flight, one observer, ${label}`,
    await perSecond(1_000_000, async (count) => {
      for (let index = 0; index < count; index += 1000) {
        const sets: Promise<unknown>[] = [];
        for (let inner = 0; inner < 1000; inner += 1) sets.push(session.set('variable_0', inner / 1000));
        await Promise.all(sets);
      }
    }),
    { name: 'actor', rate: actorEvents },
  );
  if (heard === 0) throw new Error('the observer heard nothing');
  await session.stop();
}

const session = await sessionWith(1);
let heard = 0;
for (let index = 0; index < 10_000; index += 1)
  session.observe('variable_0', () => {
    heard += 1;
  });
const fanOut = await perSecond(200, async (count) => {
  for (let index = 0; index < count; index += 1) await session.set('variable_0', (index % 100) / 100);
});
console.log(
  `10,000 observers: ${(1000 / fanOut).toFixed(2)} ms per set, ${(1e9 / fanOut / 10_000).toFixed(0)} ns each; heard ${heard}`,
);
await session.stop();

const { sessions } = hostSessions({ clock: systemClock });
globalThis.gc?.();
const before = process.memoryUsage().heapUsed;
const IDLE = 20_000;
const created = await perSecond(
  IDLE,
  async (count) => {
    for (let index = 0; index < count; index += 1) {
      const idle = await sessions.start();
      await idle.registerMany(['a', 'b', 'c', 'd', 'e'].map((name) => ({ name, type: 'float', initialValue: 0.5 })));
    }
  },
  1,
);
globalThis.gc?.();
const bytes = (process.memoryUsage().heapUsed - before) / IDLE;
row(`start of a session with 5 variables (${(bytes / 1024).toFixed(1)} kB each)`, created);
process.exit(0);
