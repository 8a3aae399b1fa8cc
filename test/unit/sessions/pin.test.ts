import { expect, test } from 'vitest';
import { settle } from '../../../src/testing/manual-clock.js';
import { aSession, thrown } from './harness.js';

test('a pin goes on showing the revision at which it was made', async () => {
  const { session } = await aSession();
  await session.set('x', 1);
  const pin = session.pin();
  const { id } = session.variable('x');
  await session.set('x', 2);
  await session.update({ x: 3, n: 3 });
  await session.register('late', 'float', 0);
  await session.delete('n');
  expect([pin.revision, pin.get('x'), pin.get(id), pin.get('n'), pin.get('late', 'none')]).toEqual([
    2,
    1,
    1,
    0,
    'none',
  ]);
  expect(pin.list().map(({ name, version }) => `${name}@${version}`)).toEqual(['x@1', 'n@0']);
  expect(pin.list({ pattern: 'n*' })).toHaveLength(1);
  expect(thrown(() => pin.get('late')).code).toBe('variable_not_found');
  expect([session.get('x'), session.get('n', 'gone')]).toEqual([3, 'gone']);
});

test('a name that was given to another variable still means the first', async () => {
  const { session } = await aSession();
  const pin = session.pin();
  await session.delete('x');
  await session.register('x', 'string', 'new');
  await session.set('x', 'newer');
  expect([pin.get('x'), pin.variable('x').type, pin.list()]).toEqual([0, 'float', expect.any(Array)]);
  expect(pin.list()).toHaveLength(2);
});

test('pins of different revisions do not disturb one another', async () => {
  const { session } = await aSession();
  const pins = [];
  for (let index = 1; index <= 5; index += 1) {
    await session.set('x', index);
    pins.push(session.pin());
  }
  pins[1]?.release();
  await session.set('x', 99);
  expect(pins.filter((_, index) => index !== 1).map((pin) => pin.get('x'))).toEqual([1, 3, 4, 5]);
});

test('a released pin keeps nothing and shows nothing', async () => {
  const { session } = await aSession();
  {
    using pin = session.pin();
    expect(pin.get('x')).toBe(0);
  }
  const pin = session.pin();
  pin.release();
  pin.release();
  expect(() => pin.get('x')).toThrow(TypeError);
});

test('a pin outlives the crash of the actor, and the end of the session', async () => {
  const { session, supervisor } = await aSession();
  await session.set('x', 1);
  const pin = session.pin();
  await session.set('x', 2);
  supervisor.kill();
  await settle();
  await session.set('x', 3);
  await session.set('n', 3);
  expect([session.get('x'), pin.get('x'), pin.get('n')]).toEqual([3, 1, 0]);
  expect(pin.list()).toHaveLength(2);
  await session.stop();
  expect(pin.get('x')).toBe(1);
});

test('a pin keeps to the rules that held at its revision', async () => {
  const { session } = await aSession();
  await session.setPermissions('x', [{ sessionPattern: 'a', permissions: ['read', 'write'] }]);
  const pin = session.as('stranger').pin();
  await session.setPermissions('x', []);
  expect(thrown(() => pin.get('x')).code).toBe('permission_denied');
  expect(pin.list().map(({ name }) => name)).toEqual(['n']);
});
