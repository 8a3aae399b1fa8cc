import { expect, test } from 'vitest';
import { type Permission, permissions } from '../../../src/variables/access.js';
import type { Ask } from '../../support/domain-session.js';
import { DomainSession } from '../../support/domain-session.js';

const grant = (sessionPattern: string, ...granted: Permission[]) => ({ sessionPattern, permissions: granted });
const guest = { principal: 'b-1', byRuleOnly: true } as const;

/** `open` has no rules, `closed` has rules for others; the rest grant the guest what they are called. */
function house(): DomainSession {
  const session = new DomainSession();
  session.register('open', 'float', 0);
  session.register('closed', 'float', 0, { accessRules: [grant('c-*', ...permissions)] });
  session.register('read', 'float', 0, { accessRules: [grant('b-*', 'read')] });
  session.register('write', 'float', 0, { accessRules: [grant('b-*', 'write')] });
  session.register('both', 'float', 0, {
    accessRules: [grant('any', 'read'), grant('owner', 'write'), grant('b-?', 'write')],
  });
  return session;
}

const write = (variable: string, more: object = {}): Ask => ({
  type: 'variable.set',
  variable,
  value: 1,
  ...guest,
  ...more,
});

test('a guest writes what a rule lets it write, and a variable without rules is none of that', () => {
  const session = house();
  for (const name of ['write', 'both']) expect(session.ask(write(name)).ok, name).toBe(true);
  for (const name of ['open', 'closed', 'read', 'missing'])
    expect(session.refusal(write(name)).code, name).toBe('permission_denied');
});

test('what is not granted and what is not there are refused in the same words', () => {
  const session = house();
  const told = ['open', 'closed', 'read', 'missing', 'var_open_1', 'var_gone_9'].map((name) => {
    const { code, message, details } = session.refusal(write(name, { expectedVersion: 7 }));
    return { code, message, details };
  });
  expect(new Set(told.map((one) => JSON.stringify(one))).size).toBe(1);
});

test('which variables there are, their settings and their dependencies are for nobody who is a guest', () => {
  const session = house();
  const before = session.picture();
  const asks: Ask[] = [
    { type: 'variables.register', specs: [{ name: 'new', type: 'float', initialValue: 0 }] },
    { type: 'variable.delete', variable: 'both' },
    { type: 'variable.configure', variable: 'both', readOnly: true },
    { type: 'variable.configure', variable: 'both', accessRules: [] },
    { type: 'dependency.add', from: 'both', to: 'read' },
    { type: 'dependency.remove', from: 'both', to: 'read' },
    { type: 'variable.compute', variable: 'both', compute: () => 0 },
    { type: 'variables.import', document: { variables: [], dependencies: [] }, mergeStrategy: 'replace' },
  ];
  for (const ask of asks) expect(session.refusal({ ...ask, ...guest }).code, ask.type).toBe('permission_denied');
  expect(session.picture()).toEqual(before);
});

test('to roll back takes the right to read as well: the answer shows what the value was', () => {
  const session = house();
  for (const name of ['write', 'both']) session.tell({ type: 'variable.set', variable: name, value: 1, ...guest });
  const back = (variable: string) => ({ type: 'variable.rollback', variable, version: 0, ...guest }) as const;
  expect(session.tell(back('both')).variable.value).toBe(0);
  for (const name of ['write', 'read', 'open', 'missing'])
    expect(session.refusal(back(name)).message).toBe(session.refusal(write('missing')).message);
});

test('a batch of a guest says of each write whether it was granted, and no more', () => {
  const session = house();
  const writes = ['write', 'open', 'missing'].map((variable) => ({ variable, value: 1 }));
  const ask = (atomic: boolean) => session.tell({ type: 'variables.update', atomic, writes, ...guest });
  expect(ask(true).ok).toBe(false);
  expect(session.value('write')).toBe(0);
  const [written, ...others] = ask(false).outcomes;
  expect(written?.ok).toBe(true);
  const messages = others.map((outcome) => (outcome.ok ? 'written' : `${outcome.error.code} ${outcome.error.message}`));
  expect(messages).toEqual([messages[0], messages[0]]);
  expect(messages[0]).toMatch(/^permission_denied/);
});

test('the ids of its requests are its own: it hears no answer to another, and takes nobody else for its own', () => {
  const session = house();
  session.tell({ type: 'variable.set', variable: 'both', value: 5, requestId: 'r' });
  expect(
    session.tell({ type: 'variable.set', variable: 'both', value: 6, requestId: 'r', ...guest }).variable,
  ).toMatchObject({ value: 6, version: 2 });
  // Another command of the owner has used the id `s`; the guest is not told.
  session.tell({ type: 'variables.register', specs: [{ name: 'n', type: 'float', initialValue: 0 }], requestId: 's' });
  const again = () => session.tell({ type: 'variable.set', variable: 'both', value: 7, requestId: 's', ...guest });
  expect([again().variable.version, again().variable.version]).toEqual([3, 3]);
});

test('a write that a computed variable cannot follow is refused without a word of that variable', () => {
  const session = house();
  session.tell({
    type: 'variables.register',
    specs: [
      {
        name: 'hidden',
        type: 'float',
        dependencies: ['both'],
        compute: ({ both }) => Number(both),
        constraints: { max: 3 },
      },
    ],
  });
  const refusal = session.refusal({ type: 'variable.set', variable: 'both', value: 4, ...guest });
  expect(refusal.code).toBe('validation_failed');
  expect(`${refusal.message} ${JSON.stringify(refusal.details)}`).not.toContain('hidden');
  session.tell({ type: 'variable.set', variable: 'both', value: 2, ...guest });
  expect(session.value('hidden')).toBe(2);
});

test('whether a command is asked by a guest is a flag and nothing else', () => {
  const wrong = { ...write('both'), byRuleOnly: 'yes' } as unknown as Ask;
  expect(house().refusal(wrong)).toMatchObject({ code: 'invalid_argument', details: { field: 'byRuleOnly' } });
});
