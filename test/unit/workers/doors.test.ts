import fc from 'fast-check';
import { expect, test } from 'vitest';
import { sessionId } from '../../../src/kernel/ids.js';
import { Doors } from '../../../src/workers/doors.js';

const [a, b, c] = [sessionId('a'), sessionId('b'), sessionId('c')];
const openOf = (doors: Doors) => ['a', 'b', 'c'].filter((id) => doors.has(id));

test('a door opens with the first call of its session and stays open after it', () => {
  const doors = new Doors();
  expect(openOf(doors)).toEqual([]);
  doors.given(1, a);
  expect(openOf(doors)).toEqual(['a']);
  doors.answered(1);
  doors.answered(1);
  doors.answered(7);
  expect(openOf(doors)).toEqual(['a']);
});

test('of the sessions without a call in hand the one left longest is forgotten first', () => {
  const doors = new Doors(2);
  for (const [call, session] of [a, b, c].entries()) doors.given(call, session);
  for (const call of [1, 0, 2]) doors.answered(call);
  expect(openOf(doors)).toEqual(['a', 'c']);
});

test('a session with a call in hand is never forgotten, and one that comes back is the latest again', () => {
  const doors = new Doors(1);
  doors.given(1, a);
  doors.given(2, a);
  doors.answered(1);
  for (let call = 10; call < 100; call += 1) {
    doors.given(call, call % 2 === 0 ? b : c);
    doors.answered(call);
  }
  expect(openOf(doors)).toEqual(['a', 'c']);
  doors.answered(2);
  expect(openOf(doors)).toEqual(['a']);
});

test('with the life all doors close for ever, and whoever waits for that is called once', () => {
  const doors = new Doors();
  const called: string[] = [];
  doors.whenClosed(() => called.push('waits'));
  doors.whenClosed(() => called.push('thought better of it'))();
  doors.given(1, a);
  doors.close();
  doors.given(2, b);
  doors.answered(1);
  doors.close();
  doors.whenClosed(() => called.push('late'));
  expect(openOf(doors)).toEqual([]);
  expect(doors.isClosed).toBe(true);
  expect(called).toEqual(['waits', 'late']);
});

test('whatever is given and answered, the doors are those in hand and the latest left, in bounded memory', () => {
  const step = fc.record({
    call: fc.nat(20),
    session: fc.constantFrom('a', 'b', 'c', 'd', 'e'),
    isAnswer: fc.boolean(),
  });
  fc.assert(
    fc.property(fc.array(step, { maxLength: 60 }), fc.integer({ min: 1, max: 3 }), (steps, kept) => {
      const doors = new Doors(kept);
      const inHand = new Map<number, string>();
      let left: string[] = [];
      for (const { call, session, isAnswer } of steps) {
        if (isAnswer) {
          const answered = inHand.get(call);
          inHand.delete(call);
          doors.answered(call);
          if (answered === undefined || [...inHand.values()].includes(answered)) continue;
          left = [...left.filter((id) => id !== answered), answered].slice(-kept);
        } else if (!inHand.has(call)) {
          inHand.set(call, session);
          left = left.filter((id) => id !== session);
          doors.given(call, sessionId(session));
        }
        const expected = new Set([...inHand.values(), ...left]);
        expect(doors.size).toBe(expected.size);
        for (const id of expected) expect(doors.has(id)).toBe(true);
      }
    }),
  );
});
