import { expect, test } from 'vitest';
import { eventually } from '../support/processes.js';
import { aPythonRuntime } from '../support/python-runtime.js';

test("with a worker's token a tool uses its own session and no other, in any way", async () => {
  await using house = await aPythonRuntime({ imports: ['grant_tools'] });
  const { runtime } = house;
  const refused = house.record('gateway.refused');
  runtime.tools.register('whose', (_args, { session }) => session?.id);
  for (const id of ['own', 'foreign']) await (await runtime.sessions.start({ id })).register('x', 'integer', 1);
  const session = { id: (await runtime.sessions.find('own')).id };
  const denied = 'permission_denied';
  await expect(house.python.call('trespass', { other: 'foreign' }, { session })).resolves.toEqual({
    read: denied,
    write: denied,
    ask: denied,
    call: denied,
    watch: denied,
    'as it': denied,
    own: '1',
    'own call': 'own',
  });
  expect((await runtime.sessions.find('foreign')).get('x')).toBe(1);
  expect(new Set(refused.map(({ code, principal }) => `${principal} ${code}`))).toEqual(
    new Set(['worker:default-0 permission_denied']),
  );
  // Once it is given a call of that session too, it has both.
  const other = { id: (await runtime.sessions.find('foreign')).id };
  await house.python.call('trespass', { other: 'foreign' }, { session: other });
  await expect(house.python.call('trespass', { other: 'foreign' }, { session })).resolves.toMatchObject({
    read: '5',
    ask: 'foreign',
    call: 'foreign',
    watch: 'x',
    own: '1',
  });
});

test('what goes on in the background after a call still has its session', async () => {
  await using house = await aPythonRuntime({ imports: ['grant_tools'] });
  const { runtime } = house;
  runtime.tools.register('whose', (_args, { session }) => session?.id);
  const session = await runtime.sessions.start({ id: 'own' });
  await session.register('x', 'integer', 1);
  await session.register('whose', 'string', '');
  await expect(house.python.call('work_on', { seconds: 0.2 }, { session })).resolves.toBe('answered');
  await eventually(() => session.get('whose') === 'own', 'the work in the background is done');
  expect(session.get('x')).toBe(2);
});

test('the next life of a worker has none of the sessions of the one before', async () => {
  await using house = await aPythonRuntime({ imports: ['grant_tools', 'worker_tools'] });
  const { runtime } = house;
  for (const id of ['own', 'other']) await (await runtime.sessions.start({ id })).register('x', 'integer', 1);
  const [own, other] = await Promise.all(['own', 'other'].map((id) => runtime.sessions.find(id)));
  await house.python.call('trespass', { other: 'other' }, { session: own });
  await house.python.call('trespass', { other: 'own' }, { session: other });
  await house.python.call('leave', { code: 0 }).catch(() => {});
  await expect(house.python.call('trespass', { other: 'own' }, { session: other })).resolves.toMatchObject({
    read: 'permission_denied',
    own: '1',
  });
});
