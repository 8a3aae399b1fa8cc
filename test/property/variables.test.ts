import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import type { VariableEvent } from '../../src/variables/events.js';
import { evolve } from '../../src/variables/evolve.js';
import { Draft } from '../../src/variables/draft.js';
import { matchesGlob } from '../../src/variables/names.js';
import { VariablesState } from '../../src/variables/state.js';
import { HISTORY_LIMIT } from '../../src/variables/variable.js';
import { type Ask, DomainSession } from '../support/domain-session.js';
import { Model } from './variables-model.js';

const names = ['a', 'b', '__proto__', 'constructor'];
const name = fc.constantFrom(...names);
/** Mostly taken, sometimes beyond the bound of 9, sometimes of the wrong kind. */
const value = fc.oneof(
  { weight: 6, arbitrary: fc.integer({ min: 0, max: 9 }) },
  { weight: 1, arbitrary: fc.constantFrom<unknown>(10, -1, 0.5, '1', true, null, Number.NaN) },
);
const expectedVersion = fc.option(fc.nat({ max: 4 }), { nil: undefined, freq: 3 });
const requestId = fc.option(fc.constantFrom('r1', 'r2', 'r3'), { nil: undefined, freq: 4 });
const metadata = fc.option(fc.dictionary(fc.constantFrom('k', '__proto__', 'l'), fc.integer(), { maxKeys: 2 }), {
  nil: undefined,
});
const write = fc.record({ variable: name, value, expectedVersion });

const command: fc.Arbitrary<Ask> = fc.oneof(
  {
    weight: 2,
    arbitrary: fc.record({
      type: fc.constant('variables.register' as const),
      specs: fc.array(
        fc.record({
          name,
          type: fc.constant('integer'),
          initialValue: value,
          constraints: fc.constant({ min: 0, max: 9 }),
          readOnly: fc.boolean(),
        }),
        { minLength: 1, maxLength: 3 },
      ),
      requestId,
    }),
  },
  {
    weight: 6,
    arbitrary: fc.record({
      type: fc.constant('variable.set' as const),
      variable: name,
      value,
      expectedVersion,
      requestId,
      metadata,
    }),
  },
  {
    weight: 4,
    arbitrary: fc.record({
      type: fc.constant('variables.update' as const),
      writes: fc.array(write, { maxLength: 5 }),
      atomic: fc.boolean(),
      requestId,
      metadata,
    }),
  },
  { weight: 1, arbitrary: fc.record({ type: fc.constant('variable.delete' as const), variable: name, requestId }) },
);

const commands = fc.array(command, { maxLength: 60 });

test('any commands have the outcome and the effect that a simple model says', () => {
  fc.assert(
    fc.property(commands, (asked) => {
      const session = new DomainSession();
      const model = new Model();
      for (const ask of asked) {
        const expected = model.ask(ask);
        const answer = session.ask(ask);
        expect(outcomeOf(answer)).toEqual(expected);
        expect(pictureOf(session)).toEqual(model.picture());
      }
    }),
    { numRuns: 300 },
  );
});

function outcomeOf(answer: ReturnType<DomainSession['ask']>): unknown {
  if (!answer.ok) return answer.error.code;
  const { reply } = answer;
  if (typeof reply !== 'object' || reply === null || !('revision' in reply)) throw new Error('no reply');
  if (!('outcomes' in reply) || !Array.isArray(reply.outcomes)) return { revision: reply.revision };
  return {
    revision: reply.revision,
    outcomes: reply.outcomes.map((outcome) => (outcome.ok ? outcome.updated.version : outcome.error.code)),
  };
}

const pictureOf = ({ state, revision }: DomainSession): unknown => ({
  revision,
  variables: [...state.records()].map((record) => ({
    name: record.name,
    value: record.value,
    version: record.version,
    revision: record.revision,
    metadata: Object.entries(record.metadata),
    history: state.history(record.name, HISTORY_LIMIT, 0).map(({ version, value: past }) => [version, past]),
  })),
});

test('the events alone make the state', () => {
  fc.assert(
    fc.property(commands, (asked) => {
      const session = new DomainSession();
      for (const ask of asked) session.ask(ask);
      const replayed = new VariablesState();
      for (const event of session.events) evolve(replayed, event);
      expect(replayed.snapshot()).toEqual(session.state.snapshot());
    }),
  );
});

test('a state goes on from its snapshot as if nothing had been', () => {
  fc.assert(
    fc.property(commands, fc.nat({ max: 60 }), (asked, cut) => {
      const session = new DomainSession();
      for (const ask of asked.slice(0, cut)) session.ask(ask);
      const restored = VariablesState.restore(session.state.snapshot());
      const before = session.events.length;
      for (const ask of asked.slice(cut)) session.ask(ask);
      for (const event of session.events.slice(before)) evolve(restored, event);
      expect(restored.snapshot()).toEqual(session.state.snapshot());
    }),
  );
});

test('a draft is what the state will be, and leaves the state alone', () => {
  fc.assert(
    fc.property(commands, fc.nat({ max: 60 }), (asked, cut) => {
      const ahead = new DomainSession();
      for (const ask of asked.slice(0, cut)) ahead.ask(ask);
      const state = VariablesState.restore(ahead.state.snapshot());
      const before = state.snapshot();
      const seen = ahead.events.length;
      for (const ask of asked.slice(cut)) ahead.ask(ask);
      const events: readonly VariableEvent[] = ahead.events.slice(seen);
      const draft = new Draft(state);
      const upper = new Draft(draft);
      // Drafts lie over drafts: a batch within a batch.
      for (const [index, event] of events.entries()) evolve(index < events.length / 2 ? draft : upper, event);
      const ids = ahead.events.flatMap((event) => (event.type === 'variable.registered' ? [event.variable.id] : []));
      for (const reference of [...names, ...ids, 'missing'])
        expect(upper.resolve(reference)?.record).toEqual(ahead.state.resolve(reference)?.record);
      for (const request of ['r1', 'r2', 'r3', 'r4'])
        expect(upper.completed(request)).toEqual(ahead.state.completed(request));
      expect([upper.size, upper.registrations]).toEqual([ahead.state.size, ahead.state.registrations]);
      expect(state.snapshot()).toEqual(before);
    }),
  );
});

test('history is the last hundred versions, whatever was written', () => {
  fc.assert(
    fc.property(fc.array(fc.integer({ min: 0, max: 9 }), { maxLength: 320 }), (written) => {
      const session = new DomainSession();
      session.register('x', 'integer', 0);
      for (const next of written) session.set('x', next);
      const all = [0, ...written].map((past, version) => [version, past]).reverse();
      const kept = session.state.history('x', 1000, 0).map(({ version, value: past }) => [version, past]);
      expect(kept).toEqual(all.slice(0, HISTORY_LIMIT));
    }),
    { numRuns: 40 },
  );
});

describe('values', () => {
  test('an integer is exact at any size, a number while it is safe', () => {
    fc.assert(
      fc.property(fc.bigInt({ min: -(2n ** 200n), max: 2n ** 200n }), (integer) => {
        const session = new DomainSession();
        const { value: stored } = session.register('x', 'integer', integer);
        expect(typeof stored).toBe(Number.isSafeInteger(Number(integer)) ? 'number' : 'bigint');
        expect(BigInt(stored as number | bigint)).toBe(integer);
      }),
    );
  });

  test('a float is stored to the last bit', () => {
    fc.assert(
      fc.property(fc.double({ noNaN: true, noDefaultInfinity: true }), (float) => {
        expect(new DomainSession().register('x', 'float', float).value).toBe(float);
      }),
    );
  });

  test('every multiple of a decimal step from its minimum is taken, and the middle between two is not', () => {
    const decimal = fc.tuple(fc.integer({ min: 1, max: 999 }), fc.integer({ min: 0, max: 3 }));
    fc.assert(
      fc.property(decimal, decimal, fc.nat({ max: 1_000_000 }), ([units, places], [minUnits], count) => {
        const written = (amount: number): number => Number(`${amount}e-${places}`);
        const constraints = { step: written(units), min: written(minUnits) };
        const session = new DomainSession();
        session.register('x', 'float', constraints.min, { constraints });
        expect(session.set('x', written(minUnits + units * count)).version).toBe(1);
        const middle = written(minUnits + units * count) + constraints.step / 2;
        expect(session.refusal({ type: 'variable.set', variable: 'x', value: middle }).details.constraint).toBe('step');
      }),
    );
  });
});

test('a glob means what a naive translation to a regular expression means', () => {
  const alphabet = fc.constantFrom('a', 'b', '.', '𝒳', '\\', '[', '^', '$', '+', '(', '-');
  const text = fc.array(alphabet, { maxLength: 8 }).map((characters) => characters.join(''));
  const glob = fc.array(fc.oneof(alphabet, fc.constantFrom('*', '?')), { maxLength: 8 }).map((parts) => parts.join(''));
  const naive = (pattern: string): RegExp => {
    const parts = Array.from(pattern, (character) =>
      character === '*' ? '.*' : character === '?' ? '.' : character.replace(/[\\^$.*+?()[\]{}|]/gu, '\\$&'),
    );
    return new RegExp(`^${parts.join('')}$`, 'su');
  };
  fc.assert(
    fc.property(glob, text, (pattern, candidate) => {
      expect(matchesGlob(pattern, candidate)).toBe(naive(pattern).test(candidate));
    }),
    { numRuns: 3000 },
  );
});
