import fc from 'fast-check';
import { expect, test } from 'vitest';
import { sessionId } from '../../../src/kernel/ids.js';
import { WorkerGrant } from '../../../src/workers/worker-grant.js';

const [a, b, c] = [sessionId('a'), sessionId('b'), sessionId('c')];
const grantedBy = (grant: WorkerGrant) => ['a', 'b', 'c'].filter((id) => grant.has(id));

test('a session is granted with its first call and stays open after it', () => {
  const grant = new WorkerGrant();
  expect(grantedBy(grant)).toEqual([]);
  grant.given(1, a);
  expect(grantedBy(grant)).toEqual(['a']);
  grant.answered(1);
  grant.answered(1);
  grant.answered(7);
  expect(grantedBy(grant)).toEqual(['a']);
});

test('of the sessions without a call in hand the one left longest is forgotten first', () => {
  const grant = new WorkerGrant(2);
  for (const [call, session] of [a, b, c].entries()) grant.given(call, session);
  for (const call of [1, 0, 2]) grant.answered(call);
  expect(grantedBy(grant)).toEqual(['a', 'c']);
});

test('a session with a call in hand is never forgotten, and one that comes back is the latest again', () => {
  const grant = new WorkerGrant(1);
  grant.given(1, a);
  grant.given(2, a);
  grant.answered(1);
  for (let call = 10; call < 100; call += 1) {
    grant.given(call, call % 2 === 0 ? b : c);
    grant.answered(call);
  }
  expect(grantedBy(grant)).toEqual(['a', 'c']);
  grant.answered(2);
  expect(grantedBy(grant)).toEqual(['a']);
});

test('with the life all grant close for ever, and whoever waits for that is called once', () => {
  const grant = new WorkerGrant();
  const called: string[] = [];
  grant.whenClosed(() => called.push('waits'));
  grant.whenClosed(() => called.push('thought better of it'))();
  grant.given(1, a);
  grant.close();
  grant.given(2, b);
  grant.answered(1);
  grant.close();
  grant.whenClosed(() => called.push('late'));
  expect(grantedBy(grant)).toEqual([]);
  expect(grant.isClosed).toBe(true);
  expect(called).toEqual(['waits', 'late']);
});

test('whatever is given and answered, the grant are those in hand and the latest left, in bounded memory', () => {
  const step = fc.record({
    call: fc.nat(20),
    session: fc.constantFrom('a', 'b', 'c', 'd', 'e'),
    isAnswer: fc.boolean(),
  });
  fc.assert(
    fc.property(fc.array(step, { maxLength: 60 }), fc.integer({ min: 1, max: 3 }), (steps, kept) => {
      const grant = new WorkerGrant(kept);
      const inHand = new Map<number, string>();
      let left: string[] = [];
      for (const { call, session, isAnswer } of steps) {
        if (isAnswer) {
          const answered = inHand.get(call);
          inHand.delete(call);
          grant.answered(call);
          if (answered === undefined || [...inHand.values()].includes(answered)) continue;
          left = [...left.filter((id) => id !== answered), answered].slice(-kept);
        } else if (!inHand.has(call)) {
          inHand.set(call, session);
          left = left.filter((id) => id !== session);
          grant.given(call, sessionId(session));
        }
        const expected = new Set([...inHand.values(), ...left]);
        expect(grant.size).toBe(expected.size);
        for (const id of expected) expect(grant.has(id)).toBe(true);
      }
    }),
  );
});
