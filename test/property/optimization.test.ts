import fc from 'fast-check';
import { expect, test } from 'vitest';
import { evolve } from '../../src/variables/evolve.js';
import { VariablesState } from '../../src/variables/state.js';
import { type Ask, DomainSession } from '../support/domain-session.js';

const names = ['a', 'b', 'c'];
const runs = ['opt_1', 'opt_2', 'opt_3'];
const value = fc.nat({ max: 9 });
const optimizationId = fc.constantFrom(...runs);
const variable = fc.constantFrom(...names);

const command: fc.Arbitrary<Ask> = fc.oneof(
  fc.record({
    type: fc.constant('optimization.start' as const),
    variables: fc.uniqueArray(variable, { minLength: 1, maxLength: 3 }),
    optimizationId,
    optimizer: fc.constant('any'),
    direction: fc.constantFrom('maximize' as const, 'minimize' as const),
    maxIterations: fc.constant(10),
    leaseMs: fc.constant(0),
  }),
  fc.record({
    type: fc.constant('optimization.apply' as const),
    optimizationId,
    values: fc.array(value, { minLength: 3, maxLength: 3 }),
  }),
  fc.record({
    type: fc.constant('optimization.record' as const),
    optimizationId,
    values: fc.array(value, { minLength: 1, maxLength: 3 }),
    metrics: fc.constant({}),
    score: fc.option(value, { nil: null }),
    startedAtMs: fc.constant(0),
  }),
  fc.record({
    type: fc.constant('optimization.end' as const),
    optimizationId,
    reason: fc.constant('stopped' as const),
    leaving: fc.constantFrom('best' as const, 'before' as const, 'as_is' as const),
  }),
  fc.record({ type: fc.constant('variable.set' as const), variable, value }),
  fc.record({ type: fc.constant('variable.delete' as const), variable }),
);

const commands = fc.array(command, { maxLength: 60 });

function aSession(): DomainSession {
  const session = new DomainSession();
  for (const name of names) session.register(name, 'integer', 0, { constraints: { min: 0, max: 7 } });
  return session;
}

test('whatever is asked, a variable is held by one run at most, which no deletion gets past', () => {
  fc.assert(
    fc.property(commands, (asked) => {
      const session = aSession();
      for (const ask of asked) {
        session.ask(ask);
        const running = [...session.state.optimizations()].filter(({ optimization }) => optimization.end === undefined);
        const held = running.flatMap(({ optimization }) => optimization.variables.map(({ id }) => id));
        expect(new Set(held).size).toBe(held.length);
        for (const id of held) expect(session.state.resolve(id)).toBeDefined();
      }
    }),
  );
});

test('a run writes over nothing but what it has written or seen itself', () => {
  fc.assert(
    fc.property(commands, (asked) => {
      const session = aSession();
      for (const ask of asked) {
        const before = new Map([...session.state.records()].map((record) => [record.id, record]));
        const known = new Map(
          [...session.state.optimizations()].map(({ optimization }) => [optimization.id, optimization.variables]),
        );
        const since = session.events.length;
        session.ask(ask);
        for (const event of session.events.slice(since)) {
          if (event.type !== 'variable.updated' || event.variable.source !== 'optimizer') continue;
          const { id, updateMetadata } = event.variable;
          const own = known.get(String(updateMetadata.optimizer_id))?.find((one) => one.id === id);
          expect(before.get(id)?.version).toBe(own?.version);
        }
      }
    }),
  );
});

test('the trials of a run are 1, 2, 3, …, and its best is one of them', () => {
  fc.assert(
    fc.property(commands, (asked) => {
      const session = aSession();
      for (const ask of asked) session.ask(ask);
      for (const { optimization, trials } of session.state.optimizations()) {
        expect(trials.map(({ iteration }) => iteration)).toEqual(trials.map((_, index) => index + 1));
        expect(optimization.iteration).toBe(trials.length);
        const scores = trials.flatMap(({ score }) => (score === null ? [] : [score]));
        const best = optimization.direction === 'maximize' ? Math.max(...scores) : Math.min(...scores);
        expect(optimization.best?.score).toBe(scores.length === 0 ? undefined : best);
      }
    }),
  );
});

test('the events alone make the runs, also from a snapshot on', () => {
  fc.assert(
    fc.property(commands, fc.nat({ max: 60 }), (asked, cut) => {
      const session = aSession();
      const replayed = new VariablesState();
      for (const ask of asked.slice(0, cut)) session.ask(ask);
      const restored = VariablesState.restore(session.state.snapshot());
      const early = session.events.length;
      for (const ask of asked.slice(cut)) session.ask(ask);
      for (const event of session.events) evolve(replayed, event);
      for (const event of session.events.slice(early)) evolve(restored, event);
      expect(replayed.snapshot()).toEqual(session.state.snapshot());
      expect(restored.snapshot()).toEqual(session.state.snapshot());
    }),
  );
});
