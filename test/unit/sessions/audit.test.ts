import { expect, test } from 'vitest';
import { TelemetryBus } from '../../../src/kernel/telemetry.js';
import { MAX_AUDIT_BYTES } from '../../../src/sessions/audit.js';
import { settle } from '../../../src/testing/manual-clock.js';
import { hostSessions } from '../../support/session-host.js';
import { aSession, failure } from './harness.js';

test('the audit trail tells what was done and what was refused, newest first', async () => {
  const { session, clock } = await aSession();
  await session.set('x', 1, { source: 'me' });
  await clock.advance(10);
  await failure(session.as('stranger').set('x', 'no number'));
  await session.setReadOnly('n', true);
  await session.addDependency('x', 'n');
  await failure(session.delete('n'));
  await session.delete('x');
  const trail = session.audit();
  expect(trail.map(({ action, variable, code }) => [action, variable, code])).toEqual([
    ['deleted', 'x', null],
    ['refused', 'n', 'has_dependents'],
    ['dependency_added', 'x', null],
    ['configured', 'n', null],
    ['refused', 'x', 'validation_failed'],
    ['updated', 'x', null],
    ['registered', 'n', null],
    ['registered', 'x', null],
  ]);
  expect(trail[5]).toMatchObject({ source: 'me', principal: null, oldValue: 0, newValue: 1, revision: 2 });
  expect(trail[4]).toMatchObject({
    principal: 'stranger',
    command: 'variable.set',
    revision: null,
    atMs: clock.nowMs(),
  });
  expect(session.audit({ limit: 2 })).toEqual(trail.slice(0, 2));
});

test('the trail is bounded, and a batch in it is whole', async () => {
  const { sessions } = hostSessions({ audit: { entries: 10 } });
  const session = await sessions.start();
  await session.registerMany(['a', 'b', 'c'].map((name) => ({ name, type: 'float', initialValue: 0 })));
  for (let index = 0; index < 100; index += 1) await session.update({ a: index, b: index });
  const trail = session.audit();
  expect(trail.length).toBeGreaterThanOrEqual(10);
  expect(trail.length).toBeLessThanOrEqual(20);
  expect(trail.slice(0, 2).map(({ variable, newValue }) => [variable, newValue])).toEqual([
    ['b', 99],
    ['a', 99],
  ]);
});

test('the trail is shorter where values are large, and the newest entry is always there', async () => {
  const { session } = await aSession();
  await session.register('text', 'string', '');
  const large = 'x'.repeat(MAX_AUDIT_BYTES / 8);
  for (let index = 0; index < 20; index += 1) await session.set('text', `${index} ${large}`);
  const trail = session.audit();
  expect(trail.length).toBeGreaterThanOrEqual(3);
  expect(trail.length).toBeLessThanOrEqual(8);
  expect(String(trail[0]?.newValue).startsWith('19 ')).toBe(true);
});

test('values of secrets are shown neither in the trail nor in telemetry', async () => {
  const { sessions, telemetry } = hostSessions({ audit: { redact: ['api_*'] } });
  const heard: unknown[] = [];
  telemetry.on('variable.registered', (fields) => heard.push(fields.value));
  telemetry.on('variable.updated', (fields) => heard.push(fields.value, fields.oldValue));
  const session = await sessions.start();
  await session.register('api_key', 'string', 'hush');
  await session.register('token', 'string', 'hush', { metadata: { secret: true } });
  await session.set('api_key', 'hush 2');
  await session.set('token', 'hush 2');
  await session.delete('token');
  expect(heard).toEqual(Array(6).fill('[redacted]'));
  expect(JSON.stringify(session.audit())).not.toContain('hush');
  expect(session.get('api_key')).toBe('hush 2');
});

test('a refusal is telemetry with who asked for what', async () => {
  const { session, heard } = await aSession();
  const refused = heard('variable.refused');
  await failure(session.as('stranger').set('x', 'no number', { source: 'python' }));
  await failure(session.registerMany([{ name: 'x', type: 'float', initialValue: 0 }]));
  expect(refused).toEqual([
    {
      sessionId: 'a',
      command: 'variable.set',
      variable: 'x',
      code: 'validation_failed',
      source: 'python',
      principal: 'stranger',
    },
    {
      sessionId: 'a',
      command: 'variables.register',
      variable: 'x',
      code: 'variable_exists',
      source: 'typescript',
      principal: null,
    },
  ]);
});

test('the trail survives the crash of the actor', async () => {
  const { session, supervisor } = await aSession();
  await session.set('x', 1);
  supervisor.kill();
  await settle();
  await session.set('x', 2);
  expect(session.audit({ limit: 2 }).map(({ newValue }) => newValue)).toEqual([2, 1]);
});

test('a bus without listeners is asked and not told', () => {
  expect(new TelemetryBus().wants('variable.configured')).toBe(false);
});
