/** Rights, for any rules: what the domain decides and what the session shows agree with what rules say. */

import fc from 'fast-check';
import { expect, test } from 'vitest';
import { type AccessRule, type Permission, permissions } from '../../src/variables/access.js';
import { matchesGlob } from '../../src/variables/names.js';
import { DomainSession } from '../support/domain-session.js';
import { hostSessions } from '../support/session-host.js';

const callers = ['owner', 'a-1', 'a-2', 'b-1'] as const;
const rule: fc.Arbitrary<AccessRule> = fc.record({
  sessionPattern: fc.constantFrom('any', '*', 'a-*', 'a-1', '?-1', 'b-1', 'owner', 'nobody'),
  permissions: fc.subarray([...permissions]),
});
const rules = fc.array(rule, { maxLength: 4 });

/** What rules say, in as many words. */
const isGranted = (given: readonly AccessRule[], right: Permission, who: string): boolean =>
  given.some(
    ({ sessionPattern, permissions: granted }) =>
      (sessionPattern === 'any' || matchesGlob(sessionPattern, who)) && granted.includes(right),
  );
const isAllowed = (given: readonly AccessRule[], right: Permission, who: string, byRuleOnly: boolean): boolean =>
  isGranted(given, right, who) || (given.length === 0 && !byRuleOnly);

test('a guest writes exactly where a rule grants it, any other caller also where there are no rules', () => {
  fc.assert(
    fc.property(rules, fc.constantFrom(...callers), fc.boolean(), (accessRules, principal, byRuleOnly) => {
      const session = new DomainSession();
      session.register('x', 'float', 0, { accessRules });
      const answer = session.ask({ type: 'variable.set', variable: 'x', value: 1, principal, byRuleOnly });
      expect(answer.ok).toBe(isAllowed(accessRules, 'write', principal, byRuleOnly));
      expect(session.value('x')).toBe(answer.ok ? 1 : 0);
    }),
  );
});

test('a guest is shown exactly what rules grant it, any other caller also what has no rules', async () => {
  await fc.assert(
    fc.asyncProperty(
      fc.array(rules, { minLength: 1, maxLength: 4 }),
      fc.constantFrom(...callers),
      fc.boolean(),
      async (ruled, who, onlyByRule) => {
        const session = await hostSessions().sessions.start({ id: 'owner' });
        const names = ruled.map((_rules, index) => `v${index}`);
        await session.registerMany(
          ruled.map((accessRules, index) => ({ name: `v${index}`, type: 'float', initialValue: 0, accessRules })),
        );
        const caller = session.as(who, { onlyByRule });
        const having = (right: Permission) =>
          names.filter((_name, index) => isAllowed(ruled[index] ?? [], right, who, onlyByRule));
        expect(caller.list().map(({ name }) => name)).toEqual(having('read'));
        expect(names.filter((name) => succeeds(() => caller.get(name)))).toEqual(having('read'));
        expect(names.filter((name) => succeeds(() => caller.openWatch({ variables: [name] })))).toEqual(
          having('observe'),
        );
        const initial = caller
          .openWatch({ includeInitial: true })
          .take()
          ?.updates.map(({ name }) => name);
        expect(initial).toEqual(having('observe'));
        for (const right of permissions)
          expect(names.filter((name) => succeeds(() => caller.checkAccess(name, right) || null))).toEqual(
            having(right),
          );
        expect(caller.hasRights()).toBe(!onlyByRule || permissions.some((right) => having(right).length > 0));
        await session.stop();
      },
    ),
    { numRuns: 60 },
  );
});

/** Whether it gives anything but `null`. */
function succeeds(ask: () => unknown): boolean {
  try {
    return ask() !== null;
  } catch {
    return false;
  }
}
