import fc from 'fast-check';
import { expect, test } from 'vitest';
import { Draft } from '../../src/variables/state.js';
import { DomainSession } from '../support/domain-session.js';

/** A computed variable is the sum of its dependencies, or refuses to be above a limit. */
const LIMIT = 60;
const plain = ['p0', 'p1', 'p2', 'p3'];

interface Layout {
  /** For each computed variable what it depends on: plain ones, and computed ones before it. */
  readonly computed: readonly (readonly string[])[];
  readonly writes: readonly (readonly (readonly [string, number])[])[];
  readonly deletions: readonly number[];
}

const layout: fc.Arbitrary<Layout> = fc.integer({ min: 1, max: 6 }).chain((count) =>
  fc.record({
    computed: fc.tuple(
      ...Array.from({ length: count }, (_, index) => {
        const names = [...plain, ...Array.from({ length: index }, (_unused, before) => `c${before}`)];
        return fc.uniqueArray(fc.constantFrom(...names), { maxLength: 4 });
      }),
    ),
    writes: fc.array(
      fc.array(fc.tuple(fc.constantFrom(...plain), fc.integer({ min: 0, max: 12 })), { minLength: 1, maxLength: 4 }),
      { maxLength: 15 },
    ),
    deletions: fc.array(fc.integer({ min: 0, max: 5 }), { maxLength: 2 }),
  }),
);

const total = (values: Readonly<Record<string, unknown>>): number => {
  const result = Object.values(values).reduce<number>((sum, value) => sum + Number(value), 0);
  if (result > LIMIT) throw new RangeError('too much');
  return result;
};

function expectConsistent(session: DomainSession): void {
  for (const record of session.state.records()) {
    if (!record.computed) continue;
    const values = [...session.state.graph.dependencies(record.id)].map(({ to }) => Number(session.value(to)));
    expect(record.value).toBe(values.reduce((sum, value) => sum + value, 0));
  }
}

test('after every command each computed variable is what its function makes of its dependencies', () => {
  fc.assert(
    fc.property(layout, ({ computed, writes, deletions }) => {
      const session = new DomainSession();
      for (const name of plain) session.register(name, 'integer', 1);
      for (const [index, dependencies] of computed.entries())
        session.ask({
          type: 'variables.register',
          specs: [{ name: `c${index}`, type: 'integer', dependencies, compute: total }],
        });
      expectConsistent(session);
      for (const batch of writes) {
        const before = session.picture();
        const events = session.events.length;
        const { revision } = session;
        const answer = session.ask({
          type: 'variables.update',
          atomic: true,
          writes: batch.map(([variable, value]) => ({ variable, value })),
        });
        if (answer.ok) {
          expect(session.revision).toBe(revision + 1);
          // At most once each, and all at one revision.
          const recomputed = session.events
            .slice(events)
            .flatMap((event) => (event.type === 'variable.updated' && event.variable.computed ? [event.variable] : []));
          expect(new Set(recomputed.map(({ id }) => id)).size).toBe(recomputed.length);
          for (const record of recomputed) expect(record.revision).toBe(revision + 1);
        } else expect(session.picture()).toEqual(before);
        expectConsistent(session);
      }
      for (const index of deletions) session.ask({ type: 'variable.delete', variable: `c${index}`, cascade: true });
      expectConsistent(session);
    }),
    { numRuns: 200 },
  );
});

test('a draft over a draft decides as the state itself would', () => {
  const session = new DomainSession();
  session.register('a', 'integer', 1);
  session.register('s', 'integer', undefined, { dependencies: ['a'], compute: total });
  const draft = new Draft(new Draft(session.state));
  expect([draft.computed, draft.size, [...draft.graph.dependents(session.variable('a').id)].length]).toEqual([1, 2, 1]);
});
