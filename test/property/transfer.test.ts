import fc from 'fast-check';
import { expect, test } from 'vitest';
import { CoilyardError } from '../../src/kernel/errors.js';
import { decodeDocument } from '../../src/variables/transfer-decode.js';
import { encodeDocument, type TransferFormat } from '../../src/variables/transfer-encode.js';
import { builtInTypes } from '../../src/variables/types/registry.js';
import { DomainSession } from '../support/domain-session.js';

const text = fc.string({ unit: 'binary', maxLength: 20 }).filter((made) => made.isWellFormed());
const number = fc.double({ noNaN: true, noDefaultInfinity: true });
const integer = fc.oneof(fc.maxSafeInteger(), fc.bigInt({ min: -(10n ** 40n), max: 10n ** 40n }));
const { plain } = fc.letrec<{ plain: unknown }>((tie) => ({
  plain: fc.oneof(
    { maxDepth: 3 },
    fc.constant(null),
    fc.boolean(),
    number,
    integer,
    text,
    fc.array(tie('plain'), { maxLength: 4 }),
    fc.dictionary(text, tie('plain'), { maxKeys: 4 }),
  ),
}));

const typed = fc.oneof(
  fc.tuple(fc.constant('float'), fc.oneof(number, fc.constantFrom(Number.NaN, Number.NEGATIVE_INFINITY))),
  fc.tuple(fc.constant('integer'), integer),
  fc.tuple(fc.constant('string'), text),
  fc.tuple(fc.constant('boolean'), fc.boolean()),
  fc.tuple(fc.constant('module'), text),
  fc.tuple(fc.constant('list'), fc.array(plain, { maxLength: 4 })),
  fc.tuple(fc.constant('map'), fc.dictionary(text, plain, { maxKeys: 4 })),
  fc.tuple(fc.constant('embedding'), fc.float32Array({ noNaN: true, noDefaultInfinity: true, maxLength: 8 })),
  fc.tuple(fc.constant('tensor'), fc.array(fc.array(number, { minLength: 2, maxLength: 2 }), { maxLength: 4 })),
);

const variables = fc.uniqueArray(
  fc.record({
    name: fc.stringMatching(/^[a-zA-Z_][a-zA-Z0-9_.:/-]{0,12}$/),
    typed: fc.array(typed, { minLength: 1, maxLength: 4 }),
    metadata: fc.dictionary(text, plain, { maxKeys: 3 }),
    description: text,
  }),
  { selector: ({ name }) => name, maxLength: 6 },
);

/** Every value of one variable has the type of the first. */
function sessionOf(specs: typeof variables extends fc.Arbitrary<infer Made> ? Made : never): DomainSession {
  const session = new DomainSession();
  for (const { name, typed: values, metadata, description } of specs) {
    const [type, value] = values[0] ?? ['float', 0];
    const constraints = type === 'float' ? { allowNan: true } : {};
    const specs = [{ name, type, initialValue: value, metadata, description, constraints }];
    if (!session.ask({ type: 'variables.register', specs }).ok) continue;
    for (const [other, next] of values.slice(1))
      if (other === type) session.tell({ type: 'variable.set', variable: name, value: next, metadata });
  }
  const names = session.names();
  for (const [index, name] of names.slice(1).entries()) session.depend(name, names[index] ?? '', 'constraint');
  return session;
}

function exported(session: DomainSession, format: TransferFormat): Uint8Array {
  const cells = [...session.state.cells()].map((cell) => {
    const [record = cell.record, ...earlier] = [...cell.history()];
    return { record, earlier: earlier.reverse() };
  });
  const { revision, nowMs: atMs, state } = session;
  return encodeDocument(
    { session: 's', revision, atMs, graph: state.graph, variables: cells },
    { format, includeHistory: true },
  );
}

const contents = (session: DomainSession): unknown => [
  [...session.state.cells()].map((cell) =>
    [...cell.history()].map(({ id: _id, revision: _revision, metadata, ...rest }, index) =>
      index === 0 ? { ...rest, metadata } : rest,
    ),
  ),
  (session.state.snapshot().dependencies ?? []).map(({ from, to, type }) => [
    session.variable(from).name,
    session.variable(to).name,
    type,
  ]),
];

test.each(['json', 'yaml'] as const)('what was exported in %s comes back the same', (format) => {
  fc.assert(
    fc.property(variables, (specs) => {
      const source = sessionOf(specs);
      const target = new DomainSession();
      const document = decodeDocument(exported(source, format), format, builtInTypes);
      target.tell({ type: 'variables.import', document, mergeStrategy: 'replace' });
      expect(contents(target)).toEqual(contents(source));
      // Once more into the same session: nothing is new.
      const { revision } = target;
      target.tell({ type: 'variables.import', document, mergeStrategy: 'replace' });
      expect(target.revision).toBe(revision);
    }),
    { numRuns: 150 },
  );
});

test.each(['json', 'yaml'] as const)('whatever bytes come as %s, they are read or refused, never more', (format) => {
  const entry = fc.record(
    {
      name: fc.oneof(text, plain),
      type: fc.oneof(fc.constantFrom('float', 'tensor', 'map'), plain),
      value: plain,
      version: plain,
      constraints: plain,
      metadata: plain,
      history: plain,
      accessRules: plain,
    },
    { requiredKeys: [] },
  );
  const document = fc.record({
    format: fc.constant('coilyard.variables'),
    version: fc.constant(1),
    variables: fc.oneof(fc.array(entry, { maxLength: 3 }), plain),
    dependencies: plain,
  });
  const asJson = (data: unknown): string =>
    JSON.stringify(data, (_key, value: unknown) => (typeof value === 'bigint' ? Number(value) : value)) ?? '';
  fc.assert(
    fc.property(fc.oneof(text, document.map(asJson), plain.map(asJson)), (made) => {
      const session = new DomainSession();
      try {
        const decoded = decodeDocument(new TextEncoder().encode(made), format, builtInTypes);
        session.tell({ type: 'variables.import', document: decoded, mergeStrategy: 'merge' });
      } catch (error) {
        expect(error).toBeInstanceOf(CoilyardError);
        expect(session.revision).toBe(0);
      }
    }),
    { numRuns: 300 },
  );
});
