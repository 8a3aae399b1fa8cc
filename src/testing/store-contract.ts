/**
 * What every store of sessions has to keep, as checks that any test runner can run:
 *
 *   for (const { name, run } of sessionStoreContract(() => memoryStore())) test(name, run);
 *
 * Each check opens a store of its own and closes it. A failed check rejects with an `AssertionError` of Node.
 */

import { deepStrictEqual as same, ok as holds } from 'node:assert/strict';
import { checkFunction, checkObject, reading as readingOf } from '../kernel/arguments.js';
import type { Commit, CommitOutcome, MaybePromise, Position, SessionRecord, SessionStore } from '../sessions/store.js';
import { ORIGIN } from '../sessions/store.js';
import { aRecord, ContractWriter } from './contract-writer.js';
import { settle } from './manual-clock.js';

export interface StoreContractOptions {
  /**
   * How many commits a store keeps for readers that resume when it was opened with the hint: the checks of compaction
   * write a little more than four times as many. Default 8.
   */
  readonly keptCommits?: number;
  /** Resolves when what was committed has reached subscribers. Default: one turn of the event loop. */
  readonly settled?: () => Promise<void>;
  /** Closes the store and opens another on the same data, for stores that survive that. */
  readonly reopen?: (store: SessionStore) => MaybePromise<SessionStore>;
}

export interface OpenHints {
  /** Keep about so many commits per session for readers that resume. */
  readonly keptCommits: number;
}

/** One thing that a store has to keep, as a sentence and as a check of it. */
export interface ContractCheck {
  readonly name: string;
  readonly run: () => Promise<void>;
}

interface Scene {
  readonly store: SessionStore;
  readonly options: Required<Pick<StoreContractOptions, 'keptCommits' | 'settled'>>;
  readonly reopen: StoreContractOptions['reopen'] | undefined;
}

type Check = (scene: Scene) => Promise<void>;

/** @param open opens an empty store; it should keep to the hints if it can. */
export function sessionStoreContract(
  open: (hints: OpenHints) => MaybePromise<SessionStore>,
  options: StoreContractOptions = {},
): readonly ContractCheck[] {
  checkFunction('open', open);
  const {
    keptCommits = 8,
    settled = settle,
    reopen,
  } = readingOf('options', () => {
    checkObject('options', options);
    return { keptCommits: options.keptCommits, settled: options.settled, reopen: options.reopen };
  });
  const all = { ...directory, ...commits, ...reading, ...subscriptions, ...(reopen === undefined ? {} : durability) };
  return Object.entries(all).map(([name, check]) => ({
    name,
    run: async () => {
      const store = await open({ keptCommits });
      try {
        await check({ store, options: { keptCommits, settled }, reopen });
      } finally {
        await store.close();
      }
    },
  }));
}

const directory: Record<string, Check> = {
  'a session is created once and found as it was created': async ({ store }) => {
    const record: SessionRecord = aRecord('a', {
      metadata: { team: 'x', tags: [1, 'é', null] },
      ttlMs: 5,
      owner: 'me',
    });
    same(await store.find(record.id), undefined);
    same(await store.create(record), true);
    same(await store.create(aRecord('a', { owner: 'somebody else' })), false);
    same(await store.find(record.id), { record, position: ORIGIN });
  },

  'names of built-in properties are ids like any other': async ({ store }) => {
    for (const id of ['constructor', 'toString', 'hasOwnProperty']) {
      same(await store.find(aRecord(id).id), undefined);
      same(await store.create(aRecord(id)), true);
      same((await store.find(aRecord(id).id))?.position, ORIGIN);
    }
  },

  'sessions are listed by id, behind a place, so many at a time': async ({ store }) => {
    for (const id of ['b', 'd', 'a', 'c', 'e']) await store.create(aRecord(id));
    same(await store.list('', 3), ['a', 'b', 'c']);
    same(await store.list('c', 3), ['d', 'e']);
    same(await store.list('bb', 1), ['c']);
    same(await store.list('e', 3), []);
    await store.delete(aRecord('c').id);
    same(await store.list('', 99), ['a', 'b', 'd', 'e']);
  },

  'a deleted session is forgotten, and its id begins anew': async ({ store }) => {
    const writer = await ContractWriter.create(store, 'a');
    await writer.register('x', 1);
    const { id, position } = writer;
    same(await store.delete(id), true);
    same(await store.delete(id), false);
    same(await store.find(id), undefined);
    same(await store.resume(id), { type: 'missing' });
    same(await store.resume(id, position), { type: 'missing' });
    same(await store.create(aRecord('a')), true);
    same((await store.find(id))?.position, ORIGIN);
    const resumed = await store.resume(id, position);
    same([resumed.type, 'reason' in resumed && resumed.reason], ['snapshot', 'regressed']);
  },

  'a commit to a session that does not exist is a conflict at the origin': async ({ store }) => {
    const writer = new ContractWriter(store, 'nobody');
    same(await writer.tryRegister('x', 1), { type: 'conflict', current: ORIGIN });
  },
};

const commits: Record<string, Check> = {
  'commits are 1, 2, 3, … with the tags of their writers': async ({ store }) => {
    const writer = await ContractWriter.create(store, 'a');
    for (let revision = 1; revision <= 5; revision += 1) {
      const { tag } = writer.next;
      same(await writer.tryRegister(`x${revision}`, revision), { type: 'committed', position: { revision, tag } });
      same((await store.find(writer.id))?.position, { revision, tag });
    }
  },

  'the retry of the last commit is a duplicate at its position, and applies nothing': async ({ store }) => {
    const writer = await ContractWriter.create(store, 'a');
    await writer.register('x', 1);
    const request = writer.last;
    for (const _time of [1, 2])
      same(await store.commit(writer.id, request), { type: 'duplicate', position: writer.position });
    same((await store.find(writer.id))?.position, writer.position);
    same(await writer.tail(ORIGIN), [writer.commits[0]]);
  },

  'the retry of a commit is a duplicate also after somebody else has written': async ({ store }) => {
    const writer = await ContractWriter.create(store, 'a');
    await writer.register('x', 1);
    const request = writer.last;
    const other = await writer.successor('other');
    await other.register('y', 1);
    same((await store.commit(writer.id, request)).type, 'duplicate');
    same((await store.find(writer.id))?.position, other.position);
  },

  'a commit that expects another end is a conflict that says where the end is, and applies nothing': async ({
    store,
  }) => {
    const writer = await ContractWriter.create(store, 'a');
    await writer.register('x', 1);
    const { position } = writer;
    const wrong: Position[] = [
      ORIGIN,
      { revision: position.revision - 1, tag: position.tag },
      { revision: position.revision + 1, tag: position.tag },
      { revision: position.revision, tag: 'another history' },
    ];
    for (const expected of wrong)
      same(await store.commit(writer.id, { ...writer.next, expected, events: [] }), {
        type: 'conflict',
        current: position,
      });
    same((await store.find(writer.id))?.position, position);
    same((await writer.tryRegister('y', 1)).type, 'committed');
  },

  'of commits that race for the same place one wins': async ({ store }) => {
    const writer = await ContractWriter.create(store, 'a');
    await writer.register('x', 1);
    const rivals = await Promise.all(['b', 'c', 'd', 'e'].map((name) => writer.successor(name)));
    const outcomes = await Promise.all(rivals.map((rival) => rival.tryRegister(`by_${rival.name}`, 1)));
    same(outcomes.map(({ type }) => type).sort(), ['committed', 'conflict', 'conflict', 'conflict']);
    const [winner] = outcomes.filter(
      (outcome): outcome is Extract<CommitOutcome, { type: 'committed' }> => outcome.type === 'committed',
    );
    same((await store.find(writer.id))?.position, winner?.position);
  },

  'a commit with a lower fence than was seen is fenced, and applies nothing': async ({ store }) => {
    const writer = await ContractWriter.create(store, 'a');
    await writer.register('x', 1, { fence: 7 });
    await writer.register('y', 1, { fence: 7 });
    same(await writer.tryRegister('z', 1, { fence: 6 }), { type: 'fenced' });
    same((await store.find(writer.id))?.position, writer.position);
    same((await writer.tryRegister('z', 1, { fence: 8 })).type, 'committed');
  },

  'sessions do not touch each other': async ({ store }) => {
    const [a, b] = [await ContractWriter.create(store, 'a'), await ContractWriter.create(store, 'b')];
    await a.register('x', 1);
    await b.register('x', 2);
    await a.set('x', 3);
    same(await b.tail(ORIGIN), b.commits);
    same(await a.tail(ORIGIN), a.commits);
  },
};

const reading: Record<string, Check> = {
  'without a place a reader gets a snapshot, of a new session too': async ({ store }) => {
    const writer = await ContractWriter.create(store, 'a');
    await writer.expectSnapshot(undefined, 'initial');
    await writer.playEverything();
    await writer.expectSnapshot(undefined, 'initial');
  },

  'a snapshot is what the commits make, with history, dependencies and answered requests': async ({ store }) => {
    const writer = await ContractWriter.create(store, 'a');
    await writer.playEverything();
    for (let value = 0; value < 120; value += 1) await writer.set('counter', value);
    await writer.expectSnapshot(undefined, 'initial');
  },

  'a reader at a place in the history gets the commits behind it, in order and as they were': async ({ store }) => {
    const writer = await ContractWriter.create(store, 'a');
    for (let value = 0; value < 6; value += 1) await writer.register(`x${value}`, value);
    same(await writer.tail(ORIGIN), writer.commits);
    for (const [index, { position }] of writer.commits.entries())
      same(await writer.tail(position), writer.commits.slice(index + 1));
  },

  'a reader that has no tag is taken to be of this history': async ({ store }) => {
    const writer = await ContractWriter.create(store, 'a');
    for (let value = 0; value < 4; value += 1) await writer.register(`x${value}`, value);
    for (let revision = 0; revision <= 4; revision += 1)
      same(await writer.tail({ revision }), writer.commits.slice(revision));
  },

  'values come back as they were: exact integers, floats that are no number, any text, tensors': async ({ store }) => {
    const writer = await ContractWriter.create(store, 'a');
    await writer.playEverything();
    same(await writer.tail(ORIGIN), writer.commits);
  },

  'a reader of a history that is longer than this one starts over': async ({ store }) => {
    const writer = await ContractWriter.create(store, 'a');
    await writer.register('x', 1);
    await writer.expectSnapshot({ revision: 2 }, 'regressed');
    await writer.expectSnapshot({ revision: 99, tag: 'unknown' }, 'regressed');
  },

  'a reader of another history starts over': async ({ store }) => {
    const writer = await ContractWriter.create(store, 'a');
    await writer.register('x', 1);
    await writer.register('y', 1);
    for (const revision of [0, 1, 2]) await writer.expectSnapshot({ revision, tag: 'another history' }, 'diverged');
  },

  'a reader of what is no longer kept starts over; until then it gets every commit': async ({ store, options }) => {
    const writer = await ContractWriter.create(store, 'a');
    await writer.register('x', 0);
    for (let value = 0; value < options.keptCommits * 4 + 3; value += 1) await writer.set('x', value);
    let isKept = false;
    for (let revision = 0; revision <= writer.position.revision; revision += 1) {
      const resumed = await store.resume(writer.id, { revision });
      if (resumed.type === 'tail') {
        same(resumed.commits, writer.commits.slice(revision));
        isKept = true;
      } else {
        // What is kept is the end of the history, never a hole in it.
        same([resumed.type, isKept], ['snapshot', false]);
        await writer.expectSnapshot({ revision }, 'compacted');
      }
    }
    holds(isKept, 'nothing is kept');
    await writer.expectSnapshot(undefined, 'initial');
  },

  'what a reader does with what it got changes nothing': async ({ store }) => {
    const writer = await ContractWriter.create(store, 'a');
    await writer.register('x', 1);
    const first = await store.resume(writer.id, ORIGIN);
    if (first.type === 'tail' && !Object.isFrozen(first.commits)) Reflect.set(first.commits, 'length', 0);
    same(await writer.tail(ORIGIN), writer.commits);
    await writer.set('x', 2);
    await writer.expectSnapshot(undefined, 'initial');
  },
};

const subscriptions: Record<string, Check> = {
  'a subscriber hears of commits in order, and never of one twice': async ({ store, options }) => {
    const writer = await ContractWriter.create(store, 'a');
    const heard: Commit[] = [];
    const off = store.subscribe(writer.id, (commit) => heard.push(commit));
    for (let value = 0; value < 5; value += 1) await writer.register(`x${value}`, value);
    await options.settled();
    off();
    // It may lose some: reading again repairs that.
    let from = 0;
    for (const commit of heard) {
      const at = writer.commits.findIndex(
        ({ position }, index) => index >= from && position.tag === commit.position.tag,
      );
      holds(at >= 0, `revision ${commit.position.revision} came out of order`);
      same(commit, writer.commits[at]);
      from = at + 1;
    }
  },

  'whoever has unsubscribed hears nothing more; unsubscribing twice does nothing': async ({ store, options }) => {
    const writer = await ContractWriter.create(store, 'a');
    const heard: number[] = [];
    const off = store.subscribe(writer.id, ({ position }) => heard.push(position.revision));
    off();
    off();
    await writer.register('x', 1);
    await options.settled();
    same(heard, []);
  },

  'a subscriber that throws harms no writer': async ({ store, options }) => {
    const writer = await ContractWriter.create(store, 'a');
    store.subscribe(writer.id, () => {
      throw new Error('a subscriber of the contract suite that fails on purpose');
    });
    for (const name of ['x', 'y']) {
      await writer.register(name, 1);
      await options.settled();
    }
    same(await writer.tail(ORIGIN), writer.commits);
  },

  'subscribing to a session that does not exist is possible and means nothing': async ({ store, options }) => {
    const off = store.subscribe(aRecord('nobody').id, () => undefined);
    await options.settled();
    off();
  },
};

const durability: Record<string, Check> = {
  'what was acknowledged is there when the store is opened again': async ({ store, reopen }) => {
    const writer = await ContractWriter.create(store, 'a');
    await writer.playEverything();
    const again = await reopen?.(store);
    if (again === undefined) throw new TypeError('reopen gave no store');
    try {
      same((await again.find(writer.id))?.position, writer.position);
      const reader = writer.on(again);
      await reader.expectSnapshot(undefined, 'initial');
      same((await again.commit(writer.id, writer.last)).type, 'duplicate');
    } finally {
      await again.close();
    }
  },
};
