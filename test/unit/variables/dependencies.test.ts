import { describe, expect, test } from 'vitest';
import {
  DependencyGraph,
  dependenciesFirst,
  dependency,
  pathBetween,
  transitive,
} from '../../../src/variables/graph.js';
import { variableId } from '../../../src/kernel/ids.js';
import { VariablesState } from '../../../src/variables/state.js';
import { DomainSession } from '../../support/domain-session.js';

const edge = (from: string, to: string) => dependency(variableId(from), variableId(to));

function withChain(...names: string[]): DomainSession {
  const session = new DomainSession();
  for (const name of names) session.register(name, 'float', 0);
  for (const [index, name] of names.slice(0, -1).entries()) session.depend(name, names[index + 1] ?? '');
  return session;
}

const namesOf = (session: DomainSession, ids: Iterable<{ from: string; to: string }>, end: 'from' | 'to'): string[] =>
  [...ids].map((found) => session.variable(found[end]).name);

describe('the graph', () => {
  test('laid over another one sees both, and changes only itself', () => {
    const base = new DependencyGraph();
    base.add(edge('a', 'b'));
    base.add(edge('a', 'c'));
    const over = new DependencyGraph(base);
    over.add(edge('a', 'd'));
    over.remove('a', 'b');
    expect([...over.dependencies('a')].map(({ to }) => to)).toEqual(['c', 'd']);
    expect([...over.dependents('b')]).toEqual([]);
    expect([...base.dependencies('a')].map(({ to }) => to)).toEqual(['b', 'c']);
    over.add(edge('a', 'b'));
    expect(over.find('a', 'b')).toMatchObject({ from: 'a', to: 'b' });
    over.removeVariable('a');
    expect([...over.dependencies('a')]).toEqual([]);
  });

  test('orders what depends after what it depends on, also in a diamond', () => {
    const graph = new DependencyGraph();
    for (const [from, to] of [
      ['top', 'left'],
      ['top', 'right'],
      ['left', 'base'],
      ['right', 'base'],
    ] as const)
      graph.add(edge(from, to));
    const order = dependenciesFirst(graph, new Set(['top', 'left', 'right', 'base']));
    expect(order[0]).toBe('base');
    expect(order[3]).toBe('top');
  });

  test('walks ten thousand links without a deep stack', () => {
    const graph = new DependencyGraph();
    for (let index = 0; index < 10_000; index += 1) graph.add(edge(`v${index}`, `v${index + 1}`));
    expect(pathBetween(graph, 'v0', 'v10000')).toHaveLength(10_001);
    expect(transitive(graph, 'v0', 'dependencies')).toHaveLength(10_000);
    const all = new Set(Array.from({ length: 10_001 }, (_, index) => `v${index}`));
    expect(dependenciesFirst(graph, all)[0]).toBe('v10000');
  });
});

test('a dependency between names or ids is known from both ends', () => {
  const session = new DomainSession();
  const from = session.register('from', 'float', 0);
  session.register('to', 'float', 0);
  session.tell({ type: 'dependency.add', from: from.id, to: 'to', dependencyType: 'constraint', metadata: { why: 1 } });
  expect([...session.state.graph.dependencies(from.id)]).toMatchObject([{ type: 'constraint', metadata: { why: 1 } }]);
  expect(namesOf(session, session.state.graph.dependents(session.variable('to').id), 'from')).toEqual(['from']);
});

test('a second dependency between the same two takes the place of the first', () => {
  const session = withChain('a', 'b');
  session.depend('a', 'b', 'optimization');
  expect([...session.state.graph.dependencies(session.variable('a').id)]).toMatchObject([{ type: 'optimization' }]);
});

test('no variable depends on itself', () => {
  const session = withChain('a');
  expect(session.refusal({ type: 'dependency.add', from: 'a', to: 'a' })).toMatchObject({
    code: 'circular_dependency',
    details: { cycle: ['a', 'a'] },
  });
});

test('a dependency that would close a cycle is refused with the way around and changes nothing', () => {
  const session = withChain('a', 'b', 'c');
  const before = session.picture();
  expect(session.refusal({ type: 'dependency.add', from: 'c', to: 'a' })).toMatchObject({
    code: 'circular_dependency',
    details: { from: 'c', to: 'a', cycle: ['c', 'a', 'b', 'c'] },
  });
  expect(session.picture()).toEqual(before);
});

test('a cycle of constraint and data dependencies is a cycle too', () => {
  const session = withChain('a', 'b');
  expect(session.refusal({ type: 'dependency.add', from: 'b', to: 'a', dependencyType: 'constraint' }).code).toBe(
    'circular_dependency',
  );
});

test('a registration that brings a cycle is refused as a whole', () => {
  const session = new DomainSession();
  const specs = [
    { name: 'a', type: 'float', initialValue: 0, dependencies: ['b'] },
    { name: 'b', type: 'float', initialValue: 0, dependencies: [{ variable: 'a', type: 'constraint' as const }] },
  ];
  expect(session.refusal({ type: 'variables.register', specs }).code).toBe('circular_dependency');
  expect(session.names()).toEqual([]);
});

test('a registration may depend on variables of the same command that come later', () => {
  const session = new DomainSession();
  session.tell({
    type: 'variables.register',
    specs: [
      { name: 'late', type: 'float', initialValue: 0, dependencies: ['early'] },
      { name: 'early', type: 'float', initialValue: 0 },
    ],
  });
  expect(namesOf(session, session.state.graph.dependencies(session.variable('late').id), 'to')).toEqual(['early']);
});

test('unknown ends and unknown types of dependencies are refused', () => {
  const session = withChain('a', 'b');
  expect(session.refusal({ type: 'dependency.add', from: 'a', to: 'missing' }).code).toBe('variable_not_found');
  expect(
    session.refusal({ type: 'dependency.add', from: 'a', to: 'b', dependencyType: 'love' as never }),
  ).toMatchObject({
    code: 'invalid_argument',
    details: { field: 'type' },
  });
});

test('removing a dependency that is not there changes nothing', () => {
  const session = withChain('a', 'b');
  session.tell({ type: 'dependency.remove', from: 'a', to: 'b' });
  const before = session.picture();
  session.tell({ type: 'dependency.remove', from: 'a', to: 'b' });
  expect(session.picture()).toEqual(before);
});

test('a variable that others depend on is not deleted without them', () => {
  const session = withChain('a', 'b');
  expect(session.refusal({ type: 'variable.delete', variable: 'b' })).toMatchObject({
    code: 'has_dependents',
    details: { variable: 'b', dependents: ['a'], count: 1 },
  });
  session.tell({ type: 'variable.delete', variable: 'a' });
  session.tell({ type: 'variable.delete', variable: 'b' });
  expect(session.names()).toEqual([]);
});

test('cascade deletes dependents before what they depend on, at one revision', () => {
  const session = withChain('a', 'b', 'c');
  session.register('other', 'float', 0);
  const { revision } = session;
  session.tell({ type: 'variable.delete', variable: 'c', cascade: true });
  expect(session.events.slice(-3).map((event) => (event.type === 'variable.deleted' ? event.name : ''))).toEqual([
    'a',
    'b',
    'c',
  ]);
  expect([session.names(), session.revision]).toEqual([['other'], revision + 1]);
});

test('cascade deletes nothing when one of the dependents may not be written', () => {
  const session = withChain('a', 'b');
  session.tell({
    type: 'variable.configure',
    variable: 'a',
    accessRules: [{ sessionPattern: 'boss', permissions: ['write'] }],
  });
  const before = session.picture();
  expect(session.refusal({ type: 'variable.delete', variable: 'b', cascade: true }).code).toBe('permission_denied');
  expect(session.picture()).toEqual(before);
});

test('a snapshot brings dependencies back', () => {
  const session = withChain('a', 'b', 'c');
  const restored = VariablesState.restore(session.state.snapshot());
  expect(restored.snapshot()).toEqual(session.state.snapshot());
  expect([...restored.graph.dependencies(session.variable('b').id)]).toHaveLength(1);
});
