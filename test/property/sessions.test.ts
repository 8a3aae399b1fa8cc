import fc from 'fast-check';
import { expect, test } from 'vitest';
import type { Watcher } from '../../src/sessions/handle.js';
import { ORIGIN, type Position } from '../../src/sessions/store.js';
import { memoryStore } from '../../src/sessions/stores/memory.js';
import { updateOf, type VariableUpdate } from '../../src/sessions/update.js';
import { CoilyardError } from '../../src/kernel/errors.js';
import { settle } from '../../src/testing/manual-clock.js';
import { aHost } from '../unit/sessions/harness.js';
import { type Fate, ScriptedStore } from '../unit/sessions/scripted-store.js';

/**
 * Random sessions under random misfortune: commits that fail at any point or land late, kills, watchers that come, go,
 * lag and resume. What is checked afterwards is only what the session promises.
 */

const NAMES = ['a', 'b', 'c'] as const;

type Step =
  | { readonly do: 'set' | 'delete' | 'register'; readonly name: (typeof NAMES)[number] }
  | { readonly do: 'batch'; readonly size: number }
  | { readonly do: 'burst'; readonly size: number }
  | { readonly do: 'fate'; readonly fate: Fate }
  | { readonly do: 'land' | 'kill' | 'settle' }
  | { readonly do: 'open'; readonly coalesce: boolean }
  | { readonly do: 'take' | 'leave' | 'resume'; readonly watcher: number };

const fates: readonly Fate[] = [
  'later',
  'applied_answered_later',
  'throws_before',
  'throws_after',
  'rejects_before',
  'rejects_after',
  'rejects_later',
  'conflict',
  'garbage',
  'breaks_state',
];

const name = fc.constantFrom(...NAMES);
const watcher = fc.nat({ max: 3 });
const step: fc.Arbitrary<Step> = fc.oneof(
  { weight: 8, arbitrary: fc.record({ do: fc.constant('set' as const), name }) },
  { weight: 2, arbitrary: fc.record({ do: fc.constantFrom('delete' as const, 'register' as const), name }) },
  { weight: 2, arbitrary: fc.record({ do: fc.constant('batch' as const), size: fc.integer({ min: 1, max: 6 }) }) },
  { weight: 1, arbitrary: fc.record({ do: fc.constant('burst' as const), size: fc.integer({ min: 600, max: 1500 }) }) },
  { weight: 3, arbitrary: fc.record({ do: fc.constant('fate' as const), fate: fc.constantFrom(...fates) }) },
  { weight: 5, arbitrary: fc.record({ do: fc.constantFrom('land' as const, 'settle' as const) }) },
  { weight: 1, arbitrary: fc.record({ do: fc.constant('kill' as const) }) },
  { weight: 3, arbitrary: fc.record({ do: fc.constant('open' as const), coalesce: fc.boolean() }) },
  {
    weight: 5,
    arbitrary: fc.record({ do: fc.constantFrom('take' as const, 'leave' as const, 'resume' as const), watcher }),
  },
);

/** A reader with all that it was ever given. Resuming, it is one reader still. */
interface Reader {
  readonly coalesce: boolean;
  /** Where it began. */
  readonly from: Position;
  watcher: Watcher | undefined;
  position: Position;
  readonly updates: VariableUpdate[];
}

type Asked = { readonly value: number; outcome?: 'done' | 'not_started' | 'unknown'; revision?: number };

async function play(steps: readonly Step[]) {
  const store = new ScriptedStore(memoryStore({ keptCommits: 100_000 }));
  const host = aHost({ store });
  const session = await host.sessions.start({ id: 'a' });
  const asked: Asked[] = [];
  const pending: Promise<unknown>[] = [];
  const readers: Reader[] = [];
  let lastValue = 0;

  const write = (names: readonly string[]): void => {
    const entry: Asked = { value: (lastValue += 1) };
    asked.push(entry);
    const writes = names.map((variable) => ({ variable, value: entry.value }));
    pending.push(
      session.execute({ type: 'variables.update', writes, atomic: true, source: 'test' }).then(
        ({ ok, revision }) => Object.assign(entry, { outcome: ok ? 'done' : 'not_started', revision }),
        (error: unknown) => {
          if (!(error instanceof CoilyardError)) throw error;
          entry.outcome = error.execution;
        },
      ),
    );
  };
  const attempt = (promise: Promise<unknown>): void => void pending.push(promise.catch(() => undefined));
  const take = (reader: Reader | undefined): void => {
    const batch = reader?.watcher?.take();
    if (reader === undefined || batch === undefined) return;
    reader.position = batch.position;
    reader.updates.push(...batch.updates);
  };
  const isReadable = (): boolean => {
    try {
      return session.info().variableCount >= 0;
    } catch {
      return false;
    }
  };

  await session.registerMany(NAMES.map((registered) => ({ name: registered, type: 'integer', initialValue: 0 })));
  for (const next of steps) {
    switch (next.do) {
      case 'set':
        write([next.name]);
        break;
      case 'batch':
        write(Array.from({ length: next.size }, (_, index) => NAMES[index % NAMES.length] ?? 'a'));
        break;
      case 'burst':
        for (let index = 0; index < next.size; index += 1) write(['a']);
        break;
      case 'register':
        attempt(session.register(next.name, 'integer', -1));
        break;
      case 'delete':
        attempt(session.delete(next.name));
        break;
      case 'fate':
        store.fates.push(next.fate);
        break;
      case 'kill':
        host.supervisor.kill();
        break;
      case 'land':
        await store.land();
        break;
      case 'settle':
        await settle();
        break;
      case 'open':
        if (readers.length >= 4 || !isReadable()) break;
        {
          const opened = session.openWatch({ coalesce: next.coalesce, includeInitial: true });
          const first = opened.take();
          if (first === undefined) throw new Error('a watch begins with nothing');
          const { position } = first;
          readers.push({ coalesce: next.coalesce, from: position, position, watcher: opened, updates: [] });
        }
        break;
      case 'take':
        take(readers[next.watcher]);
        break;
      case 'leave': {
        const reader = readers[next.watcher];
        reader?.watcher?.close();
        if (reader !== undefined) reader.watcher = undefined;
        break;
      }
      case 'resume': {
        const reader = readers[next.watcher];
        if (reader === undefined || reader.watcher !== undefined || !isReadable()) break;
        const { coalesce, position: after } = reader;
        reader.watcher = session.openWatch({ coalesce, after });
        break;
      }
    }
  }
  // Fair weather: everything lands, everybody is back, everybody reads to the end.
  store.fates.length = 0;
  for (let round = 0; round < 20; round += 1) {
    await store.land();
    await host.supervisor.restart();
  }
  await Promise.all(pending);
  await settle();
  for (const reader of readers) {
    reader.watcher ??= session.openWatch({ coalesce: reader.coalesce, after: reader.position });
    take(reader);
    take(reader);
  }
  const resumed = await store.inner.resume(session.id, ORIGIN);
  if (resumed.type !== 'tail') throw new Error('the store kept too little');
  return { session, asked, readers, commits: resumed.commits, wheelFailures: host.wheelFailures };
}

/** What happened, as observers should hear of it. */
const truthOf = (commits: Awaited<ReturnType<typeof play>>['commits']): VariableUpdate[] =>
  commits.flatMap(({ events, position }) => events.flatMap((event) => updateOf(event, position.revision) ?? []));

const inShort = ({ type, variableId, value, revision, version }: VariableUpdate): string =>
  `${type} ${variableId} v${version} ${String(value)} @${revision}`;

/** The values after some updates. */
function view(updates: readonly VariableUpdate[], upTo = Number.POSITIVE_INFINITY): Map<string, unknown> {
  const values = new Map<string, unknown>();
  for (const { type, variableId, value, revision } of updates) {
    if (revision > upTo) break;
    if (type === 'deleted') values.delete(variableId);
    else values.set(variableId, value);
  }
  return values;
}

const sorted = (values: ReadonlyMap<string, unknown>): [string, unknown][] => [...values].sort();

/** A reader that does not coalesce: every change, in order, or a reset with the values of that moment. */
function checkExact({ from, updates }: Reader, truth: readonly VariableUpdate[]): void {
  let revision = from.revision;
  let at = 0;
  while (at < updates.length) {
    const expected = truth.filter((update) => update.revision > revision);
    const end = updates.findIndex(({ type }, index) => index >= at && type === 'reset');
    const told = updates.slice(at, end < 0 ? undefined : end);
    expect(told.map(inShort)).toEqual(expected.slice(0, told.length).map(inShort));
    if (end < 0) {
      expect(told.length).toBe(expected.length);
      return;
    }
    revision = updates[end]?.revision ?? 0;
    const initials = updates.slice(end + 1).findIndex(({ type }) => type !== 'initial');
    const last = initials < 0 ? updates.length : end + 1 + initials;
    expect(sorted(view(updates.slice(end + 1, last)))).toEqual(sorted(view(truth, revision)));
    at = last;
  }
  expect(truth.filter((update) => update.revision > revision)).toEqual([]);
}

/** A reader that coalesces: in order, nothing made up, nothing uncounted, and the present in the end. */
function checkFolded({ from, updates }: Reader, truth: readonly VariableUpdate[]): void {
  const expected = truth.filter((update) => update.revision > from.revision);
  const known = new Set(expected.map(({ variableId, revision, version }) => `${variableId} ${version} ${revision}`));
  let revision = from.revision;
  const told = new Map<string, number>();
  for (const update of updates) {
    expect(update.revision).toBeGreaterThanOrEqual(revision);
    revision = update.revision;
    expect(known).toContain(`${update.variableId} ${update.version} ${update.revision}`);
    told.set(update.variableId, (told.get(update.variableId) ?? 0) + update.skipped + 1);
  }
  for (const [id, count] of told) expect(count).toBe(expected.filter(({ variableId }) => variableId === id).length);
  const before = view(truth, from.revision);
  for (const [id, value] of view(updates)) before.set(id, value);
  for (const { type, variableId } of updates) if (type === 'deleted') before.delete(variableId);
  expect(sorted(before)).toEqual(sorted(view(truth)));
}

test('whatever happens, the session keeps what it promises', async () => {
  await fc.assert(
    fc.asyncProperty(fc.array(step, { maxLength: 50 }), async (steps) => {
      const { session, asked, readers, commits, wheelFailures } = await play(steps);
      const truth = truthOf(commits);

      // Revisions are 1, 2, 3, … and the session is where its history is.
      expect(commits.map(({ position }) => position.revision)).toEqual(commits.map((_, index) => index + 1));
      expect(session.revision).toBe(commits.length);
      const values = new Map(session.list().map(({ id, value }) => [id as string, value as unknown]));
      expect(sorted(values)).toEqual(sorted(view(truth)));

      // Versions of each variable are 0, 1, 2, … in order of revision.
      const versions = new Map<string, number>();
      for (const { type, variableId, version } of truth) {
        if (type === 'deleted') continue;
        expect(version).toBe((versions.get(variableId) ?? -1) + 1);
        versions.set(variableId, version);
      }

      // Every call ended once and told the truth: what was done is there, what was not started is not.
      const landed = new Map<unknown, number>();
      for (const { value, revision } of truth) landed.set(value, revision);
      for (const { value, outcome, revision } of asked) {
        expect(outcome).toBeDefined();
        if (outcome === 'done') expect(landed.get(value)).toBe(revision);
        if (outcome === 'not_started') expect(landed.has(value)).toBe(false);
      }

      for (const reader of readers) (reader.coalesce ? checkFolded : checkExact)(reader, truth);
      expect(wheelFailures).toEqual([]);
    }),
    { numRuns: 80 },
  );
});
