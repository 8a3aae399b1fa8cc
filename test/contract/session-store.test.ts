import { describe, expect, test } from 'vitest';
import { sessionId } from '../../src/kernel/ids.js';
import type { CommitRequest, Position, SessionStore } from '../../src/sessions/store.js';
import { ORIGIN } from '../../src/sessions/store.js';
import { memoryStore } from '../../src/sessions/stores/memory.js';
import { aRecord, ContractWriter } from '../../src/testing/contract-writer.js';
import { sessionStoreContract } from '../../src/testing/store-contract.js';

describe('the memory store', () => {
  for (const { name, run } of sessionStoreContract((hints) => memoryStore(hints))) test(name, run);

  test('keeps at least as many commits as it was asked to, and less than twice as many', async () => {
    const store = memoryStore({ keptCommits: 10 });
    const writer = await ContractWriter.create(store, 'a');
    await writer.register('x', 0);
    for (let value = 1; value <= 100; value += 1) {
      await writer.set('x', value);
      const { revision } = writer.position;
      const answers = Array.from({ length: revision }, (_, after) => store.resume(writer.id, { revision: after }));
      const kept = (await Promise.all(answers)).filter(({ type }) => type === 'tail').length;
      expect(kept).toBeGreaterThanOrEqual(Math.min(revision, 10));
      expect(kept).toBeLessThan(20);
    }
  });

  test('keeps fewer commits where they hold more than it was asked to keep, and always the newest', async () => {
    const store = memoryStore({ keptCommits: 10, keptBytes: 600 });
    const writer = await ContractWriter.create(store, 'a');
    await writer.register('x', 0);
    const keptOf = async (): Promise<number> => {
      const { revision } = writer.position;
      const answers = Array.from({ length: revision }, (_, after) => store.resume(writer.id, { revision: after }));
      return (await Promise.all(answers)).filter(({ type }) => type === 'tail').length;
    };
    for (let value = 10; value < 60; value += 1) {
      await writer.set('x', BigInt(value) * 10n ** 700n);
      expect(await keptOf()).toBeLessThanOrEqual(5);
    }
    expect(await keptOf()).toBeGreaterThanOrEqual(2);
    await writer.set('x', 10n ** 4000n);
    expect(await keptOf()).toBe(1);
    const found = await store.resume(writer.id);
    expect(found.type === 'snapshot' && found.state.variables[0]?.at(-1)?.value).toBe(10n ** 4000n);
    for (let value = 0; value < 8; value += 1) await writer.set('x', value);
    expect(await keptOf()).toBe(8);
  });

  test('tells every subscriber of every commit, also when one of them throws', async () => {
    const store = memoryStore();
    const writer = await ContractWriter.create(store, 'a');
    const heard: number[] = [];
    store.subscribe(writer.id, () => {
      throw new Error('a bad subscriber');
    });
    store.subscribe(writer.id, ({ position }) => heard.push(position.revision));
    for (const name of ['x', 'y', 'z']) await writer.register(name, 1);
    expect(heard).toEqual([1, 2, 3]);
  });

  test('knows the retry of a writer that is at work, however many others came and went', async () => {
    const store = memoryStore();
    const { id } = aRecord('a');
    await store.create(aRecord('a'));
    let expected: Position = ORIGIN;
    const commit = async (writer: string, seq: number): Promise<CommitRequest> => {
      const request = { writer, seq, expected, tag: `${writer}.${seq}`, events: [], atMs: 0 };
      const outcome = await store.commit(id, request);
      if (outcome.type !== 'committed') throw new Error(outcome.type);
      expected = outcome.position;
      return request;
    };
    for (let seq = 1; seq <= 60; seq += 1) {
      const request = await commit('at work', seq);
      await commit(`passing by ${seq}`, 1);
      expect((await store.commit(id, request)).type).toBe('duplicate');
    }
  });

  test.each([0, -1, 1.5, Number.NaN, '10', null])('refuses to keep %s commits or bytes', (keptCommits) => {
    // What plain JavaScript can pass.
    expect(() => memoryStore({ keptCommits: keptCommits as number })).toThrow(/keptCommits/);
    expect(() => memoryStore({ keptBytes: keptCommits as number })).toThrow(/keptBytes/);
  });
});

type Breaking = (store: SessionStore) => Partial<SessionStore>;

/** The checks that a store fails which differs from the memory store in one thing. */
async function failedChecks(breaking: Breaking): Promise<string[]> {
  const failed: string[] = [];
  const checks = sessionStoreContract((hints) => {
    const store = memoryStore(hints);
    const broken = breaking(store);
    return new Proxy(store, {
      get: (target, key: keyof SessionStore) => {
        const value = broken[key] ?? target[key];
        return typeof value === 'function' ? value.bind(target) : value;
      },
    });
  });
  for (const { name, run } of checks)
    await run().catch(() => {
      failed.push(name);
    });
  return failed;
}

describe('the contract', () => {
  test('passes a sound store, whole', async () => {
    expect(await failedChecks(() => ({}))).toEqual([]);
  });

  let retries = 0;

  test.each<[string, Breaking, string]>([
    [
      'does not know a retry',
      (store) => ({
        commit: (id, request) => store.commit(id, { ...request, writer: `${request.writer} ${++retries}` }),
      }),
      'the retry of a commit is a duplicate also after somebody else has written',
    ],
    [
      'looks at the revision alone when it commits',
      (store) => ({
        commit: async (id, request) => {
          const tag = (await store.find(id))?.position.tag ?? '';
          return store.commit(id, { ...request, expected: { ...request.expected, tag } });
        },
      }),
      'a commit that expects another end is a conflict that says where the end is, and applies nothing',
    ],
    [
      'looks at the revision alone when it reads',
      (store) => ({ resume: (id, after) => store.resume(id, after && { revision: after.revision }) }),
      'a reader of another history starts over',
    ],
    [
      'leaves a hole in the tail',
      (store) => ({
        resume: async (id, after) => {
          const resumed = await store.resume(id, after);
          return resumed.type === 'tail' ? { ...resumed, commits: resumed.commits.slice(1) } : resumed;
        },
      }),
      'a reader at a place in the history gets the commits behind it, in order and as they were',
    ],
    [
      'loses exact integers',
      (store) => ({
        commit: (id, request) =>
          store.commit(id, {
            ...request,
            events: request.events.map((event) =>
              event.type === 'variable.updated' && typeof event.variable.value === 'bigint'
                ? { ...event, variable: { ...event.variable, value: Number(event.variable.value) } }
                : event,
            ),
          }),
      }),
      'values come back as they were: exact integers, floats that are no number, any text, tensors',
    ],
    ['deletes nothing', () => ({ delete: () => true }), 'a deleted session is forgotten, and its id begins anew'],
    [
      'creates over what there is',
      (store) => ({
        create: async (record) => {
          await store.delete(sessionId(record.id));
          return store.create(record);
        },
      }),
      'a session is created once and found as it was created',
    ],
    [
      'takes any fence',
      (store) => ({ commit: (id, { fence: _, ...request }) => store.commit(id, request) }),
      'a commit with a lower fence than was seen is fenced, and applies nothing',
    ],
  ])('finds out a store that %s', async (_name, breaking, check) => {
    expect(await failedChecks(breaking)).toContain(check);
  });
});
