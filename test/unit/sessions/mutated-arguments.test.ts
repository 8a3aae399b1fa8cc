import { expect, test } from 'vitest';
import { Tensor } from '../../../src/variables/tensor.js';
import { asGiven, eachAsGiven } from '../../../src/variables/as-given.js';
import { settle } from '../../../src/testing/manual-clock.js';
import { aSession, failure } from './harness.js';

test('what is written is what the caller gave, whatever it does to it afterwards', async () => {
  const { session } = await aSession();
  const list = [1, { deep: [2] }];
  const map = new Map<string, unknown>([['key', [1]]]);
  const vector = new Float32Array([1, 2]);
  const constraints = { maxItems: 5 };
  const metadata = { why: ['first'] };
  const registering = session.registerMany([
    { name: 'list', type: 'list', initialValue: list, constraints, metadata },
    { name: 'map', type: 'map', initialValue: map },
    { name: 'vector', type: 'embedding', initialValue: vector },
  ]);
  list.length = 0;
  map.clear();
  vector.fill(9);
  constraints.maxItems = 1;
  metadata.why.pop();
  await registering;
  expect([session.get('list'), session.get('map'), [...(session.get('vector') as Tensor)]]).toEqual([
    [1, { deep: [2] }],
    { key: [1] },
    [1, 2],
  ]);
  expect(session.variable('list')).toMatchObject({ constraints: { maxItems: 5 }, metadata: { why: ['first'] } });

  const next = [{ n: 1 }];
  const said = { who: 'me' };
  const setting = session.set('list', next, { metadata: said });
  next[0] = { n: 2 };
  said.who = 'you';
  await setting;
  expect(session.variable('list')).toMatchObject({ value: [{ n: 1 }], updateMetadata: { who: 'me' } });

  const buffer = new Float32Array([0, 3, 4, 0]);
  const values = { list: [1], vector: buffer.subarray(1, 3) };
  const updating = session.update(values, { metadata: said });
  values.list.push(2);
  buffer.fill(7);
  said.who = 'they';
  await updating;
  expect([session.get('list'), [...(session.get('vector') as Tensor)]]).toEqual([[1], [3, 4]]);
  expect(session.variable('list').updateMetadata).toEqual({ who: 'you' });
});

test('settings, rules, dependencies and messages to the actor are what the caller gave', async () => {
  const { session } = await aSession();
  const constraints = { min: 0, max: 5 };
  const rules = [{ sessionPattern: 'any', permissions: ['read' as const, 'write' as const] }];
  const metadata = { why: 'a' };
  const done = [
    session.setConstraints('n', constraints),
    session.setPermissions('x', rules),
    session.addDependency('n', 'x', { metadata }),
  ];
  constraints.max = -1;
  rules.pop();
  metadata.why = 'b';
  await Promise.all(done);
  expect(session.variable('n').constraints).toEqual({ min: 0, max: 5 });
  expect(session.variable('x').accessRules).toHaveLength(1);
  expect(session.dependencies('n')[0]?.metadata).toEqual({ why: 'a' });
  await session.register('list', 'list', []);
  const value = [1];
  session.actor.send({ type: 'variable.set', variable: 'list', value, source: 'test' });
  value.push(2);
  await settle();
  expect(session.get('list')).toEqual([1]);
});

test('a copy of what was given is refused as the original is', async () => {
  const { session } = await aSession();
  await session.register('map', 'map', {});
  const cycle: Record<string, unknown> = {};
  cycle.one = cycle.two = cycle;
  const hole: unknown[] = [1, 2];
  delete hole[0];
  const throwing = Object.defineProperty({}, 'x', {
    enumerable: true,
    get: () => {
      throw new Error('not yours');
    },
  });
  for (const [value, message] of [
    [cycle, 'nesting of at most 100 levels'],
    [{ hole }, 'map: value.hole[0]: expected plain data, got undefined'],
    [{ date: new Date(0) }, 'got an object (Date)'],
    [{ throwing }, 'not yours'],
    [new Proxy([], { get: () => 2 ** 40 }), 'a map by name'],
  ])
    expect(String(await failure(session.set('map', value)))).toContain(message);
  expect(await session.set('map', JSON.parse('{"__proto__": {"a": 1}}'))).toMatchObject({ version: 1 });
  expect(Object.keys(Object(session.get('map')))).toEqual(['__proto__']);
});

test('scalars, tensors and objects of classes are not copied', () => {
  const tensor = new Tensor('float32', [1], new Float32Array(1));
  for (const given of [1, 2n, 'text', true, null, undefined, tensor, new Date(0), new DataView(new ArrayBuffer(1))])
    expect(asGiven(given)).toBe(given);
  expect(eachAsGiven([tensor])[0]).toBe(tensor);
});
