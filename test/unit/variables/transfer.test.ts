import { describe, expect, test } from 'vitest';
import { CoilyardError } from '../../../src/kernel/errors.js';
import type { Replies } from '../../../src/variables/commands.js';
import { decodeDocument } from '../../../src/variables/transfer-decode.js';
import type { MergeStrategy } from '../../../src/variables/transfer-document.js';
import { encodeDocument, type ExportOptions } from '../../../src/variables/transfer-encode.js';
import { builtInTypes } from '../../../src/variables/types/registry.js';
import { DomainSession } from '../../support/domain-session.js';

const formats = ['json', 'yaml'] as const;

function exported(session: DomainSession, options: ExportOptions = {}): Uint8Array {
  const variables = [...session.state.cells()].map((cell) => {
    const [record = cell.record, ...earlier] = [...cell.history()];
    return { record, earlier: earlier.reverse() };
  });
  const { revision, nowMs, state } = session;
  return encodeDocument({ session: 'owner', revision, atMs: nowMs, graph: state.graph, variables }, options);
}

function imported(
  session: DomainSession,
  bytes: Uint8Array,
  options: { format?: 'json' | 'yaml'; mergeStrategy?: MergeStrategy; dryRun?: boolean } = {},
): Replies['variables.import'] {
  const { format = 'json', mergeStrategy = 'replace', dryRun } = options;
  const document = decodeDocument(bytes, format, builtInTypes);
  return session.tell({ type: 'variables.import', document, mergeStrategy, dryRun });
}

const text = (bytes: Uint8Array): string => new TextDecoder().decode(bytes);
const bytesOf = (data: unknown): Uint8Array =>
  new TextEncoder().encode(typeof data === 'string' ? data : JSON.stringify(data));
const documentOf = (variables: unknown, more = {}): Uint8Array =>
  bytesOf({ format: 'coilyard.variables', version: 1, variables, ...more });

/** What can be compared between sessions: ids and revisions are each session's own. */
const contents = (session: DomainSession): unknown =>
  [...session.state.cells()].map((cell) =>
    [...cell.history()].map(({ id: _id, revision: _revision, metadata, ...rest }, index) =>
      // Of earlier versions only what their own writes said is kept.
      index === 0 ? { ...rest, metadata } : rest,
    ),
  );

function everything(): DomainSession {
  const session = new DomainSession();
  session.register('temperature', 'float', 2, { constraints: { min: 0, max: 2, step: 0.5 }, description: 'how warm' });
  session.register('big', 'integer', 2n ** 90n, { metadata: { answer: 42, deep: { list: [1, null, true] } } });
  session.register('odd', 'float', Number.NaN, { constraints: { allowNan: true } });
  session.register('zero', 'float', -0);
  session.register('text', 'string', 'ein\n"Wort": - #\t\u2028 no', { constraints: { pattern: '(?s).*Wort.*' } });
  session.register('word', 'string', 'null');
  session.register('flag', 'boolean', false, { readOnly: true });
  session.register('model', 'choice', 'a', { constraints: { choices: ['a', 'b'] } });
  session.register('module', 'module', 'Predict');
  session.register('list', 'list', [1, 1.5, 1e300, -0, 2n ** 70n, '1', { ['__proto__']: 1 }]);
  session.register('map', 'map', { yes: 'no', '1': [], constructor: {} });
  session.register('embedding', 'embedding', [3, 4], { constraints: { normalize: true, dimensions: 2 } });
  session.register(
    'tensor',
    'tensor',
    [
      [1, 2],
      [3, 4],
    ],
    { constraints: { shape: [-1, 2], dtype: 'int16' } },
  );
  session.register('guarded', 'float', 0, {
    accessRules: [{ sessionPattern: 'any', permissions: ['read'] }],
  });
  session.set('temperature', 0.5);
  session.set('list', []);
  session.tell({ type: 'variable.set', variable: 'big', value: 7, source: 'me', metadata: { iteration: 1 } });
  session.depend('temperature', 'big');
  session.depend('map', 'list', 'constraint');
  return session;
}

describe.each(formats)('an export in %s', (format) => {
  test('brings everything back into an empty session, with history and dependencies', () => {
    const source = everything();
    const target = new DomainSession();
    const bytes = exported(source, { format, includeHistory: true });
    const { summary } = imported(target, bytes, { format });
    expect(summary).toMatchObject({ imported: 14, skipped: 0, errors: 0 });
    expect(contents(target)).toEqual(contents(source));
    expect(target.revision).toBe(1);
    expect(text(exported(target, { format })).includes('constraint')).toBe(true);
    expect([...target.state.graph.dependencies(target.variable('map').id)]).toMatchObject([{ type: 'constraint' }]);
  });

  test('without history has the present versions only', () => {
    const target = new DomainSession();
    imported(target, exported(everything(), { format }), { format });
    expect(target.state.history('temperature', 10, 0).map(({ version, value }) => [version, value])).toEqual([
      [1, 0.5],
    ]);
  });

  test('takes the names that the pattern is found in, and dependencies between them', () => {
    const target = new DomainSession();
    imported(target, exported(everything(), { format, filterPattern: 'i' }), { format });
    expect(target.names()).toEqual(['big', 'list', 'embedding']);
    expect(target.state.snapshot().dependencies).toEqual([]);
  });

  test('a whole float in a list stays a float, and an exact integer stays exact', () => {
    const session = new DomainSession();
    session.register('list', 'list', [2 ** 60, 2n ** 60n]);
    const target = new DomainSession();
    imported(target, exported(session, { format }), { format });
    expect(target.value('list')).toEqual([2 ** 60, 2n ** 60n]);
  });
});

test('an imported computed variable is a plain one with the value that it had', () => {
  const session = new DomainSession();
  session.register('a', 'float', 1);
  session.register('b', 'float', undefined, { dependencies: ['a'], compute: ({ a }) => Number(a) * 2 });
  const target = new DomainSession();
  imported(target, exported(session));
  expect(target.variable('b')).toMatchObject({ value: 2, computed: false });
  expect(target.set('b', 5).value).toBe(5);
});

describe('an import', () => {
  const two = documentOf([
    { name: 'a', type: 'map', value: { x: { y: 1 }, z: 1 }, metadata: { m: 1 }, constraints: { maxItems: 9 } },
    { name: 'b', type: 'float', value: 1 },
  ]);

  function present(): DomainSession {
    const session = new DomainSession();
    session.register('a', 'map', { x: { w: 0 }, z: 0 }, { metadata: { n: 2 }, constraints: { minItems: 1 } });
    return session;
  }

  test('that replaces gives what is there the value and settings of the document, as a new version', () => {
    const session = present();
    const { id } = session.variable('a');
    expect(imported(session, two).summary.details).toEqual([
      { name: 'a', action: 'replaced' },
      { name: 'b', action: 'registered' },
    ]);
    expect(session.variable('a')).toMatchObject({
      id,
      version: 1,
      value: { x: { y: 1 }, z: 1 },
      metadata: { m: 1 },
      constraints: { maxItems: 9 },
      revision: 2,
    });
    expect(session.state.history('a', 9, 0)).toHaveLength(2);
  });

  test('that keeps leaves alone what is there', () => {
    const session = present();
    const before = session.variable('a');
    expect(imported(session, two, { mergeStrategy: 'keep' }).summary).toMatchObject({ imported: 1, skipped: 1 });
    expect(session.variable('a')).toBe(before);
  });

  test('that merges joins maps level by level, metadata and constraints', () => {
    const session = present();
    imported(session, two, { mergeStrategy: 'merge' });
    expect(session.variable('a')).toMatchObject({
      value: { x: { w: 0, y: 1 }, z: 1 },
      metadata: { m: 1, n: 2 },
      constraints: { minItems: 1, maxItems: 9 },
    });
  });

  test('of what is there already makes no version', () => {
    const session = everything();
    const before = session.picture();
    session.tell({ type: 'variable.configure', variable: 'guarded', accessRules: [] });
    session.tell({
      type: 'variable.configure',
      variable: 'guarded',
      accessRules: [{ sessionPattern: 'any', permissions: ['read', 'write'] }],
    });
    session.tell({ type: 'variable.configure', variable: 'flag', readOnly: false });
    const version = (): number[] => session.names().map((name) => session.variable(name).version);
    const versions = version();
    const { revision } = session;
    imported(session, exported(session));
    expect([version(), session.revision]).toEqual([versions, revision]);
    expect(before).not.toEqual(session.picture());
  });

  test('in a dry run says what would happen and changes nothing', () => {
    const session = present();
    const before = session.picture();
    const bytes = documentOf([
      { name: 'a', type: 'float', value: 1 },
      { name: 'b', type: 'float', value: 'no number' },
      { name: 'c', type: 'float', value: 1 },
    ]);
    expect(imported(session, bytes, { dryRun: true }).summary).toMatchObject({
      imported: 0,
      errors: 2,
      details: [
        { name: 'a', action: 'refused', error: { code: 'validation_failed', path: 'variables[0]' } },
        { name: 'b', action: 'refused', error: { code: 'validation_failed', path: 'variables[1]' } },
        { name: 'c', action: 'registered' },
      ],
    });
    expect(session.picture()).toEqual(before);
  });

  test('with one bad variable imports nothing and says which', () => {
    const session = present();
    const before = session.picture();
    const bytes = documentOf([
      { name: 'c', type: 'float', value: 1 },
      { name: 'd', type: 'float', value: 5, constraints: { max: 1 } },
    ]);
    expect(() => imported(session, bytes)).toThrow(
      expect.objectContaining({
        code: 'constraint_violation',
        details: expect.objectContaining({ path: 'variables[1]', constraint: 'max' }),
      }),
    );
    expect(session.picture()).toEqual(before);
  });

  test('can make no cycle, neither alone nor with what is there', () => {
    const variables = ['a', 'b'].map((name) => ({ name, type: 'float', value: 0 }));
    const alone = documentOf(variables, {
      dependencies: [
        { from: 'a', to: 'b' },
        { from: 'b', to: 'a' },
      ],
    });
    expect(() => imported(new DomainSession(), alone)).toThrow(
      expect.objectContaining({
        code: 'circular_dependency',
        details: expect.objectContaining({ path: 'dependencies[1]' }),
      }),
    );
    const session = new DomainSession();
    session.register('a', 'float', 0);
    session.register('b', 'float', 0);
    session.depend('b', 'a');
    const joined = documentOf([], { dependencies: [{ from: 'a', to: 'b', type: 'constraint' }] });
    expect(() => imported(session, joined)).toThrow(expect.objectContaining({ code: 'circular_dependency' }));
  });

  test('writes nothing that is read-only or that the caller may not write', () => {
    const session = everything();
    for (const entry of [
      { name: 'flag', type: 'boolean', value: true, readOnly: true },
      { name: 'guarded', type: 'float', value: 1 },
    ])
      expect(() => imported(session, documentOf([entry]))).toThrow(/read-only|may not write/);
  });

  test('computes again what depends on what it changed, and leaves computed variables to themselves', () => {
    const session = new DomainSession();
    session.register('a', 'float', 1);
    session.register('b', 'float', undefined, { dependencies: ['a'], compute: ({ a }) => Number(a) * 2 });
    imported(
      session,
      documentOf([
        { name: 'a', type: 'float', value: 5 },
        { name: 'b', type: 'float', value: 99 },
      ]),
    );
    expect([session.value('b'), session.variable('b').revision]).toEqual([10, session.variable('a').revision]);
  });
});

describe('a hostile document is refused with the path of the place', () => {
  const entry = { name: 'a', type: 'float', value: 1 };
  const nested = (levels: number): unknown => (levels === 0 ? 1 : [nested(levels - 1)]);
  test.each<[string, unknown, string, string]>([
    ['no document', '[]', 'invalid_argument', 'document'],
    ['another format', { format: 'x', version: 1, variables: [] }, 'invalid_argument', 'document.format'],
    [
      'a later version',
      { format: 'coilyard.variables', version: 2, variables: [] },
      'invalid_argument',
      'document.version',
    ],
    ['an unknown field', documentOf([], { evil: 1 }), 'invalid_argument', 'document.evil'],
    [
      'a prototype as a field',
      documentOf([JSON.parse('{"__proto__": 1}')]),
      'invalid_argument',
      'variables[0].__proto__',
    ],
    ['no list', documentOf({}), 'invalid_argument', 'variables'],
    ['no name', documentOf([{ type: 'float', value: 1 }]), 'invalid_argument', 'variables[0].name'],
    ['a name twice', documentOf([entry, entry]), 'invalid_argument', 'variables[1].name'],
    ['an unknown type', documentOf([{ ...entry, type: 'flaot' }]), 'unknown_type', 'variables[0]'],
    ['an unknown constraint', documentOf([{ ...entry, constraints: { x: 1 } }]), 'invalid_argument', 'variables[0]'],
    ['a negative version', documentOf([{ ...entry, version: -1 }]), 'invalid_argument', 'variables[0].version'],
    [
      'a time that is none',
      documentOf([{ ...entry, createdAtMs: 'now' }]),
      'invalid_argument',
      'variables[0].createdAtMs',
    ],
    [
      'a history that goes back',
      documentOf([
        {
          ...entry,
          version: 2,
          history: [
            { version: 1, value: 1 },
            { version: 0, value: 1 },
          ],
        },
      ]),
      'invalid_argument',
      'variables[0].history[1].version',
    ],
    ['metadata that is none', documentOf([{ ...entry, metadata: [] }]), 'validation_failed', 'variables[0]'],
    ['rules that are none', documentOf([{ ...entry, accessRules: [{}] }]), 'invalid_argument', 'variables[0]'],
    [
      'a dependency of no type',
      documentOf([], { dependencies: [{ from: 'a', to: 'b', type: 'x' }] }),
      'invalid_argument',
      'dependencies[0].type',
    ],
    [
      'bytes that are no base64',
      documentOf([{ name: 'e', type: 'embedding', value: { dtype: 'float32', shape: [1], base64: '*' } }]),
      'invalid_argument',
      'variables[0].value.base64',
    ],
    [
      'nesting without end',
      documentOf([{ name: 'l', type: 'list', value: nested(200) }]),
      'invalid_argument',
      'document',
    ],
    ['no UTF-8', new Uint8Array([0xff, 0xfe]), 'invalid_argument', 'bytes'],
  ])('%s', (_what, data, code, place) => {
    const bytes = data instanceof Uint8Array ? data : bytesOf(data);
    try {
      decodeDocument(bytes, 'json', builtInTypes);
    } catch (error) {
      if (!(error instanceof CoilyardError)) throw error;
      expect([error.code, error.details.path ?? error.details.field]).toEqual([code, place]);
      return;
    }
    throw new Error('accepted');
  });

  test.each<[string, string]>([
    ['a bomb of aliases', 'a: &a [1,1,1,1]\nb: &b [*a,*a,*a,*a]\nc: [*b,*b,*b,*b]\n'],
    ['one alias', 'a: &a 1\nb: *a\n'],
    ['a tag that makes something', 'a: !!js/function "function () {}"\n'],
    ['an integer of a million digits', `a: ${'9'.repeat(1_000_000)}\n`],
    ['text that is no YAML', 'a: [1\nb: }'],
    ['two documents', 'a: 1\n---\nb: 2\n'],
  ])('%s in YAML', (_what, yaml) => {
    expect(() => decodeDocument(bytesOf(yaml), 'yaml', builtInTypes)).toThrow(CoilyardError);
  });

  test('brackets in brackets in YAML end in a refusal, not in a crash', () => {
    expect(() => decodeDocument(bytesOf('['.repeat(20_000)), 'yaml', builtInTypes)).toThrow(CoilyardError);
  });

  test('more bytes than allowed', () => {
    expect(() => decodeDocument(new Uint8Array(11), 'json', builtInTypes, 10)).toThrow(
      expect.objectContaining({ code: 'payload_too_large' }),
    );
  });
});

test('a malformed filter is refused, and no filter takes a time that explodes', () => {
  const session = everything();
  expect(() => exported(session, { filterPattern: '(' })).toThrow(
    expect.objectContaining({ details: expect.objectContaining({ field: 'filterPattern' }) }),
  );
  session.register('a'.repeat(100), 'float', 0);
  expect(text(exported(session, { filterPattern: '(a+)+$b' }))).not.toContain('aaaa');
});
