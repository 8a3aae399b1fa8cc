import { expect, test } from 'vitest';
import type { Compute } from '../../../src/variables/compute.js';
import { VariablesState } from '../../../src/variables/state.js';
import { DomainSession } from '../../support/domain-session.js';

const sum: Compute = ({ a, b }) => Number(a) + Number(b);

function withSum(compute: Compute = sum): DomainSession {
  const session = new DomainSession();
  session.register('a', 'float', 1);
  session.register('b', 'float', 2);
  session.register('sum', 'float', undefined, { dependencies: ['a', 'b'], compute });
  return session;
}

test('a computed variable has its first value at once', () => {
  expect(withSum().variable('sum')).toMatchObject({ value: 3, version: 0, computed: true });
});

test('a computed variable follows its dependencies in the commit that changes them', () => {
  const session = withSum();
  const { revision } = session;
  session.set('a', 10);
  expect(session.revision).toBe(revision + 1);
  expect(session.variable('sum')).toMatchObject({
    value: 12,
    version: 1,
    revision: revision + 1,
    source: 'computed',
  });
});

test('a batch computes once, after all of its writes', () => {
  const calls: unknown[] = [];
  const session = withSum((values) => {
    calls.push({ ...values });
    return sum(values);
  });
  calls.length = 0;
  session.tell({
    type: 'variables.update',
    atomic: true,
    writes: [
      { variable: 'a', value: 5 },
      { variable: 'b', value: 6 },
      { variable: 'a', value: 7 },
    ],
  });
  expect(calls).toEqual([{ a: 7, b: 6 }]);
  expect(session.value('sum')).toBe(13);
});

test('computed variables of computed variables come in the order of the dependencies', () => {
  const session = withSum();
  const seen: unknown[] = [];
  session.register('twice', 'float', undefined, { dependencies: ['sum'], compute: (v) => Number(v.sum) * 2 });
  session.register('both', 'float', undefined, {
    dependencies: ['sum', 'twice'],
    compute: (v) => {
      seen.push([v.sum, v.twice]);
      return Number(v.sum) + Number(v.twice);
    },
  });
  session.set('a', 2);
  expect(seen).toEqual([
    [3, 6],
    [4, 8],
  ]);
  expect(session.value('both')).toBe(12);
});

test('a result that is the same is no new version, and nothing behind it is computed again', () => {
  const session = new DomainSession();
  let calls = 0;
  session.register('n', 'integer', 1);
  session.register('odd', 'boolean', undefined, { dependencies: ['n'], compute: ({ n }) => Number(n) % 2 === 1 });
  session.register('word', 'string', undefined, {
    dependencies: ['odd'],
    compute: ({ odd }) => {
      calls += 1;
      return odd === true ? 'odd' : 'even';
    },
  });
  session.set('n', 3);
  expect([session.variable('odd').version, session.variable('word').version]).toEqual([0, 0]);
  session.set('n', 4);
  expect(session.value('word')).toBe('even');
  expect(calls).toBeLessThanOrEqual(3);
});

test('nobody else writes a computed variable', () => {
  const session = withSum();
  expect(session.refusal({ type: 'variable.set', variable: 'sum', value: 1 })).toMatchObject({
    code: 'read_only',
    details: { computed: true },
  });
  expect(session.refusal({ type: 'variable.rollback', variable: 'sum', version: 0 }).code).toBe('read_only');
});

test.each<[string, Compute]>([
  [
    'throws',
    () => {
      throw new Error('no luck');
    },
  ],
  ['answers with a promise', () => Promise.reject(new Error('later'))],
  ['makes a value of the wrong kind', () => 'a text'],
  ['makes a value outside of the constraints', () => 1000],
])('a function that %s refuses the whole command and names the variable', (_what, compute) => {
  let isArmed = false;
  const session = new DomainSession();
  session.register('a', 'float', 1);
  session.register('c', 'float', undefined, {
    dependencies: ['a'],
    constraints: { max: 100 },
    compute: (values) => (isArmed ? compute(values) : 0),
  });
  isArmed = true;
  const before = session.picture();
  const refusal = session.refusal({ type: 'variable.set', variable: 'a', value: 2 });
  expect(refusal.details).toMatchObject({ variable: 'c', computed: true });
  expect(['validation_failed', 'constraint_violation']).toContain(refusal.code);
  expect(session.picture()).toEqual(before);
});

test('only data dependencies are given to the function', () => {
  const session = new DomainSession();
  session.register('a', 'float', 1);
  session.register('b', 'float', 2);
  const seen: string[][] = [];
  session.register('c', 'float', undefined, {
    dependencies: ['a', { variable: 'b', type: 'constraint' }],
    compute: (values) => {
      seen.push(Object.keys(values));
      return 0;
    },
  });
  session.set('b', 3);
  expect(seen).toEqual([['a']]);
});

test('the data dependencies of a computed variable are fixed', () => {
  const session = withSum();
  session.register('other', 'float', 0);
  expect(session.refusal({ type: 'dependency.add', from: 'sum', to: 'other' }).code).toBe('read_only');
  expect(session.refusal({ type: 'dependency.remove', from: 'sum', to: 'a' }).code).toBe('read_only');
  expect(session.refusal({ type: 'dependency.add', from: 'sum', to: 'a', dependencyType: 'constraint' }).code).toBe(
    'read_only',
  );
  session.depend('sum', 'other', 'optimization');
});

test('a computed variable has no initial value', () => {
  const session = new DomainSession();
  const specs = [{ name: 'c', type: 'float', initialValue: 1, compute: () => 1 }];
  expect(session.refusal({ type: 'variables.register', specs })).toMatchObject({ code: 'invalid_argument' });
});

test('computed variables of one command may depend on one another in any order', () => {
  const session = new DomainSession();
  session.tell({
    type: 'variables.register',
    specs: [
      { name: 'c', type: 'float', dependencies: ['b'], compute: ({ b }) => Number(b) + 1 },
      { name: 'b', type: 'float', dependencies: ['a'], compute: ({ a }) => Number(a) + 1 },
      { name: 'a', type: 'float', initialValue: 1 },
    ],
  });
  expect([session.value('a'), session.value('b'), session.value('c')]).toEqual([1, 2, 3]);
});

test('without its function a change of its dependencies is refused until it has one again', () => {
  const old = withSum();
  const session = new DomainSession({ state: VariablesState.restore(old.state.snapshot()) });
  expect(session.refusal({ type: 'variable.set', variable: 'a', value: 2 }).details).toMatchObject({
    variable: 'sum',
    computed: true,
  });
  session.tell({ type: 'variable.compute', variable: 'sum', compute: ({ a, b }) => Number(a) * 10 + Number(b) });
  expect(session.value('sum')).toBe(12);
  session.set('a', 2);
  expect(session.value('sum')).toBe(22);
});

test('a plain variable takes no function', () => {
  const session = withSum();
  expect(session.refusal({ type: 'variable.compute', variable: 'a', compute: () => 1 }).code).toBe('invalid_argument');
});
