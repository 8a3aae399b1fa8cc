import fc from 'fast-check';
import { expect, test } from 'vitest';
import { variableId } from '../../src/kernel/ids.js';
import { DependencyGraph, dependenciesFirst, dependency, pathBetween, transitive } from '../../src/variables/graph.js';
import { decodeDocument } from '../../src/variables/transfer-decode.js';
import { builtInTypes } from '../../src/variables/types/registry.js';
import { DomainSession } from '../support/domain-session.js';

const node = fc.integer({ min: 0, max: 7 }).map((index) => `v${index}`);
const pair = fc.tuple(node, node);

type Step =
  | { readonly do: 'connect' | 'disconnect'; readonly edge: readonly [string, string] }
  | { readonly do: 'register' | 'delete' | 'cascade'; readonly name: string }
  | { readonly do: 'import'; readonly edges: readonly (readonly [string, string])[] };

const step: fc.Arbitrary<Step> = fc.oneof(
  { weight: 6, arbitrary: fc.record({ do: fc.constant('connect' as const), edge: pair }) },
  { weight: 2, arbitrary: fc.record({ do: fc.constant('disconnect' as const), edge: pair }) },
  { weight: 3, arbitrary: fc.record({ do: fc.constantFrom('register', 'delete', 'cascade'), name: node }) },
  { weight: 1, arbitrary: fc.record({ do: fc.constant('import' as const), edges: fc.array(pair, { maxLength: 4 }) }) },
);

function carryOut(session: DomainSession, next: Step): void {
  switch (next.do) {
    case 'connect':
    case 'disconnect': {
      const [from, to] = next.edge;
      session.ask({ type: next.do === 'connect' ? 'dependency.add' : 'dependency.remove', from, to });
      return;
    }
    case 'register':
      session.ask({
        type: 'variables.register',
        specs: [{ name: next.name, type: 'float', initialValue: 0, dependencies: session.names().slice(0, 2) }],
      });
      return;
    case 'delete':
    case 'cascade':
      session.ask({ type: 'variable.delete', variable: next.name, cascade: next.do === 'cascade' });
      return;
    case 'import': {
      const document = {
        format: 'coilyard.variables',
        version: 1,
        variables: [],
        dependencies: next.edges.map(([from, to]) => ({ from, to, type: 'constraint' })),
      };
      session.ask({
        type: 'variables.import',
        document: decodeDocument(new TextEncoder().encode(JSON.stringify(document)), 'json', builtInTypes),
        mergeStrategy: 'replace',
      });
    }
  }
}

const idsOf = (session: DomainSession): string[] => [...session.state.records()].map(({ id }) => id);

test('no sequence of commands makes a cycle, and no edge outlives one of its ends', () => {
  fc.assert(
    fc.property(fc.array(step, { maxLength: 60 }), (steps) => {
      const session = new DomainSession();
      for (let index = 0; index < 8; index += 1) session.register(`v${index}`, 'float', 0);
      for (const next of steps) {
        const before = session.picture();
        const { revision } = session;
        carryOut(session, next);
        if (session.revision === revision) expect(session.picture()).toEqual(before);
        const ids = new Set(idsOf(session));
        for (const id of ids)
          for (const { from, to } of session.state.graph.dependencies(id)) {
            expect(ids.has(from) && ids.has(to)).toBe(true);
            expect(pathBetween(session.state.graph, to, from)).toBeUndefined();
            expect([...session.state.graph.dependents(to)].some((edge) => edge.from === from)).toBe(true);
          }
      }
    }),
    { numRuns: 200 },
  );
});

test('a graph laid over another one answers as one graph with the same edits', () => {
  const edits = fc.array(fc.tuple(fc.boolean(), pair), { maxLength: 30 });
  fc.assert(
    fc.property(edits, edits, (below, above) => {
      const plain = new DependencyGraph();
      const base = new DependencyGraph();
      const over = new DependencyGraph(base);
      const apply = (graph: DependencyGraph, [isNew, [from, to]]: readonly [boolean, [string, string]]): void => {
        if (isNew) graph.add(dependency(variableId(from), variableId(to)));
        else graph.remove(from, to);
      };
      for (const edit of below) {
        apply(plain, edit);
        apply(base, edit);
      }
      for (const edit of above) {
        apply(plain, edit);
        apply(over, edit);
      }
      for (let index = 0; index < 8; index += 1) {
        const id = `v${index}`;
        const ends = (graph: DependencyGraph): unknown => [
          [...graph.dependencies(id)].map(({ to }) => to).sort(),
          [...graph.dependents(id)].map(({ from }) => from).sort(),
        ];
        expect(ends(over)).toEqual(ends(plain));
      }
    }),
  );
});

test('dependencies come first, and transitive dependencies are what can be reached', () => {
  fc.assert(
    fc.property(fc.array(pair, { maxLength: 25 }), (pairs) => {
      const graph = new DependencyGraph();
      for (const [from, to] of pairs)
        if (pathBetween(graph, to, from) === undefined) graph.add(dependency(variableId(from), variableId(to)));
      const all = Array.from({ length: 8 }, (_, index) => `v${index}`);
      const order = dependenciesFirst(graph, new Set(all));
      expect([...order].sort()).toEqual(all);
      for (const id of all) {
        for (const { to } of graph.dependencies(id)) expect(order.indexOf(to)).toBeLessThan(order.indexOf(id));
        const reached = new Set<string>(transitive(graph, id, 'dependencies').map(({ to }) => to));
        const expected = all.filter((other) => other !== id && pathBetween(graph, id, other) !== undefined);
        expect([...reached].sort()).toEqual(expected);
      }
    }),
  );
});
