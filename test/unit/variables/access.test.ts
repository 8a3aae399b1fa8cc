import { expect, test } from 'vitest';
import { allows, type Permission, parseRules } from '../../../src/variables/access.js';
import { DomainSession } from '../../support/domain-session.js';

const rules = [
  { sessionPattern: 'any', permissions: ['read'] as Permission[] },
  { session_pattern: 'admin_*', permissions: ['read', 'write', 'optimize'] as Permission[] },
];

function guarded(accessRules: unknown = rules): DomainSession {
  const session = new DomainSession();
  session.register('key', 'string', 'a', { accessRules: accessRules as never });
  return session;
}

test('without rules every session has every right', () => {
  const session = guarded([]);
  expect(session.set('key', 'b', { principal: 'stranger' }).value).toBe('b');
});

test('with rules a session has the rights of all rules that match it, and no other', () => {
  const parsed = parseRules(rules);
  const given = parsed.ok ? parsed.value : [];
  expect(allows(given, 'read', 'stranger')).toBe(true);
  expect(allows(given, 'write', 'stranger')).toBe(false);
  expect(allows(given, 'write', 'admin_1')).toBe(true);
  expect(allows(given, 'observe', 'admin_1')).toBe(false);
  expect(allows(given, 'write', 'not_admin_1')).toBe(false);
});

test('rules that match nobody deny, also the owner', () => {
  const session = guarded([{ sessionPattern: 'nobody', permissions: ['write'] }]);
  expect(session.refusal({ type: 'variable.set', variable: 'key', value: 'b' })).toMatchObject({
    code: 'permission_denied',
    details: { variable: 'key', permission: 'write', principal: 'owner' },
  });
});

test('access is looked at before anything else of a write', () => {
  const session = guarded([{ sessionPattern: 'nobody', permissions: [] }]);
  session.tell({ type: 'variable.configure', variable: 'key', accessRules: [] });
  session.tell({ type: 'variable.configure', variable: 'key', readOnly: true });
  session.tell({
    type: 'variable.configure',
    variable: 'key',
    accessRules: [{ sessionPattern: 'nobody', permissions: [] }],
  });
  expect(session.refusal({ type: 'variable.set', variable: 'key', value: 1, expectedVersion: 9 }).code).toBe(
    'permission_denied',
  );
});

test('the owning session may always change the rules, and nobody else may', () => {
  const session = guarded([{ sessionPattern: 'admin', permissions: ['read', 'write', 'observe', 'optimize'] }]);
  const open = { type: 'variable.configure', variable: 'key', accessRules: [] } as const;
  expect(session.refusal({ ...open, principal: 'admin' }).code).toBe('permission_denied');
  session.tell(open);
  expect(session.set('key', 'b').value).toBe('b');
});

test('every command that changes a variable needs the right to write', () => {
  const session = guarded();
  session.register('other', 'float', 0);
  const before = session.picture();
  const asks = [
    { type: 'variable.set', variable: 'key', value: 'b' },
    { type: 'variable.delete', variable: 'key' },
    { type: 'variable.delete', variable: 'key', cascade: true },
    { type: 'variable.rollback', variable: 'key', version: 0 },
    { type: 'variable.configure', variable: 'key', readOnly: true },
    { type: 'variable.configure', variable: 'key', constraints: {} },
    { type: 'dependency.add', from: 'key', to: 'other' },
    { type: 'dependency.remove', from: 'key', to: 'other' },
  ] as const;
  expect(asks.map((ask) => session.refusal({ ...ask, principal: 'stranger' }).code)).toEqual(
    asks.map(() => 'permission_denied'),
  );
  expect(session.picture()).toEqual(before);
});

test('a batch refuses what the caller may not write, each for itself', () => {
  const session = guarded();
  session.register('open', 'float', 0);
  const reply = session.tell({
    type: 'variables.update',
    atomic: false,
    principal: 'stranger',
    writes: [
      { variable: 'key', value: 'b' },
      { variable: 'open', value: 1 },
    ],
  });
  expect(reply.outcomes.map((outcome) => (outcome.ok ? 'ok' : outcome.error.code))).toEqual([
    'permission_denied',
    'ok',
  ]);
});

test('depending on a variable needs the right to read it', () => {
  const session = new DomainSession();
  session.register('secret', 'float', 1, { accessRules: [{ sessionPattern: 'owner', permissions: ['read'] }] });
  session.register('mine', 'float', 1);
  const ask = { type: 'dependency.add', from: 'mine', to: 'secret' } as const;
  expect(session.refusal({ ...ask, principal: 'stranger' }).code).toBe('permission_denied');
  const specs = [{ name: 'spy', type: 'float', compute: () => 0, dependencies: ['secret'] }];
  expect(session.refusal({ type: 'variables.register', specs, principal: 'stranger' }).code).toBe('permission_denied');
  session.tell(ask);
});

test('an event of another session says whose it is', () => {
  const session = guarded([]);
  session.set('key', 'b', { principal: 'stranger' });
  session.set('key', 'c');
  expect(session.events.map((event) => ('principal' in event ? event.principal : 'owner'))).toEqual([
    'owner',
    'stranger',
    'owner',
  ]);
});

test.each([
  ['a word', 'accessRules'],
  [[1], 'accessRules[0]'],
  [[{ sessionPattern: '', permissions: [] }], 'accessRules[0].sessionPattern'],
  [[{ permissions: ['read'] }], 'accessRules[0].sessionPattern'],
  [[{ sessionPattern: 'any', permissions: 'read' }], 'accessRules[0].permissions'],
  [[{ sessionPattern: 'any', permissions: ['read', 'fly'] }], 'accessRules[0].permissions[1]'],
  [[{ sessionPattern: 'any', permissions: [], conditions: { hour: '9' } }], 'accessRules[0].conditions'],
  [[{ sessionPattern: 'any', permissions: [], more: 1 }], 'accessRules[0].more'],
  [[{ sessionPattern: 'x'.repeat(257), permissions: [] }], 'accessRules[0].sessionPattern'],
])('malformed rules %j are refused at %s', (given, field) => {
  const parsed = parseRules(given);
  expect(parsed.ok ? undefined : parsed.error).toMatchObject({ code: 'invalid_argument', details: { field } });
});

test('empty conditions say nothing and are accepted', () => {
  expect(parseRules([{ sessionPattern: 'any', permissions: ['read'], conditions: {} }]).ok).toBe(true);
});
