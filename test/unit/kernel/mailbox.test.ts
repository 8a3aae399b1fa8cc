import { expect, test } from 'vitest';
import { CoilyardError } from '../../../src/kernel/errors.js';
import { type Lane, type Letter, Mailbox } from '../../../src/kernel/mailbox.js';
import { TimerWheel } from '../../../src/kernel/timer-wheel.js';
import { ManualClock, settle } from '../../../src/testing/manual-clock.js';

type TestLetter = Letter<string, string>;

interface TestBox {
  readonly clock: ManualClock;
  readonly mailbox: Mailbox<string, string>;
  /** Messages in the order in which the owner saw them. */
  readonly seen: string[];
  post(message: string, options?: { lane?: Lane; timeoutMs?: number; signal?: AbortSignal }): Promise<string>;
}

/** A mailbox whose owner answers each message with its own text, unless the test does something else. */
function aMailbox(options: { capacity?: number; held?: boolean; serve?: (letter: TestLetter) => void } = {}): TestBox {
  const clock = new ManualClock();
  const wheel = new TimerWheel({
    clock,
    granularityMs: 1,
    onError: (error) => {
      throw error;
    },
  });
  const seen: string[] = [];
  const serve = options.serve ?? ((letter) => letter.reply(letter.message));
  const mailbox = new Mailbox<string, string>({
    clock,
    wheel,
    ...(options.capacity === undefined ? {} : { capacity: options.capacity }),
    onWork: () => {
      for (let letter = mailbox.take(); letter !== undefined; letter = mailbox.take()) {
        seen.push(letter.message);
        serve(letter);
      }
    },
  });
  if (options.held !== true) mailbox.release();
  return {
    clock,
    mailbox,
    seen,
    post: (message, { timeoutMs = 1000, ...rest } = {}) => mailbox.post(message, { timeoutMs, ...rest }),
  };
}

const failure = (promise: Promise<unknown>): Promise<CoilyardError> =>
  promise.then(
    (value) => {
      throw new Error(`answered ${String(value)}`);
    },
    (error: CoilyardError) => error,
  );

test('letters are taken in order of posting and never on the stack of the sender', async () => {
  const { post, seen } = aMailbox();
  const answers = ['a', 'b', 'c'].map((message) => post(message));
  expect(seen).toEqual([]);
  expect(await Promise.all(answers)).toEqual(['a', 'b', 'c']);
  expect(seen).toEqual(['a', 'b', 'c']);
});

test('the system lane goes before the user lane, each in its own order', async () => {
  const { post, seen } = aMailbox();
  await Promise.all([
    post('user 1'),
    post('system 1', { lane: 'system' }),
    post('user 2'),
    post('system 2', { lane: 'system' }),
  ]);
  expect(seen).toEqual(['system 1', 'system 2', 'user 1', 'user 2']);
});

test('a full mailbox refuses with mailbox_full and when to come back, and takes again once there is room', async () => {
  const { mailbox, post } = aMailbox({ capacity: 2, held: true });
  const kept = [post('a'), post('b', { lane: 'system' })];
  const error = await failure(post('c'));
  expect(error).toMatchObject({
    code: 'mailbox_full',
    execution: 'not_started',
    retryable: true,
    details: { capacity: 2 },
  });
  expect(error.retryAfterMs).toBeGreaterThan(0);
  mailbox.release();
  expect(await Promise.all(kept)).toEqual(['a', 'b']);
  expect(await post('d')).toBe('d');
});

test('a held mailbox gives nothing; what waited is taken in order when it is released', async () => {
  const { mailbox, post, seen } = aMailbox({ held: true });
  const answers = [post('a'), post('b')];
  await settle();
  expect(seen).toEqual([]);
  mailbox.release();
  mailbox.release();
  expect(await Promise.all(answers)).toEqual(['a', 'b']);
});

test('a mailbox that is held in the middle of a drain keeps the rest', async () => {
  const { mailbox, post, seen } = aMailbox({
    serve: (letter) => {
      mailbox.hold();
      letter.reply('done');
    },
  });
  const answers = [post('a'), post('b')];
  await settle();
  expect(seen).toEqual(['a']);
  mailbox.release();
  await Promise.all(answers);
  expect(seen).toEqual(['a', 'b']);
});

test('a letter whose deadline passes while it waits is answered then, not_started, and is never executed', async () => {
  const { clock, mailbox, post, seen } = aMailbox({ held: true });
  const late = failure(post('late', { timeoutMs: 10 }));
  const patient = post('patient', { timeoutMs: 100 });
  await clock.advance(11);
  expect(await late).toMatchObject({ code: 'deadline_exceeded', execution: 'not_started', retryable: true });
  mailbox.release();
  expect(await patient).toBe('patient');
  expect(seen).toEqual(['patient']);
});

test('a letter that was posted before the mailbox was held has its deadline watched too', async () => {
  const { clock, mailbox, post, seen } = aMailbox();
  const late = failure(post('late', { timeoutMs: 10 }));
  mailbox.hold();
  await clock.advance(11);
  expect(await late).toMatchObject({ code: 'deadline_exceeded', execution: 'not_started' });
  expect(seen).toEqual([]);
});

test('a letter found in the mailbox after its deadline is not executed', async () => {
  const { post, seen } = aMailbox();
  expect(await failure(post('late', { timeoutMs: 0 }))).toMatchObject({
    code: 'deadline_exceeded',
    execution: 'not_started',
  });
  expect(await failure(post('long ago', { timeoutMs: -5 }))).toMatchObject({ code: 'deadline_exceeded' });
  expect(seen).toEqual([]);
});

test('a deadline that passes after the letter was taken leaves its execution unknown', async () => {
  const taken: TestLetter[] = [];
  const { clock, mailbox, post } = aMailbox({
    serve: (letter) => {
      taken.push(letter);
      mailbox.watch(letter);
    },
  });
  const late = failure(post('slow', { timeoutMs: 10 }));
  await clock.advance(11);
  expect(await late).toMatchObject({ code: 'deadline_exceeded', execution: 'unknown', retryable: false });
  taken[0]?.reply('too late');
});

test('a letter without a deadline waits for ever and arms no timer', async () => {
  const { clock, mailbox, post } = aMailbox({ held: true });
  const answer = post('patient', { timeoutMs: Number.POSITIVE_INFINITY });
  expect(clock.pendingTimers).toBe(0);
  await clock.advance(10 ** 12);
  mailbox.release();
  expect(await answer).toBe('patient');
});

test('a signal that aborts while the letter waits answers cancelled, not_started, and it is never executed', async () => {
  const { mailbox, post, seen } = aMailbox({ held: true });
  const controller = new AbortController();
  const given = failure(post('given up', { signal: controller.signal }));
  const reason = new Error('changed my mind');
  controller.abort(reason);
  expect(await given).toMatchObject({ code: 'cancelled', execution: 'not_started', cause: reason });
  mailbox.release();
  await settle();
  expect(seen).toEqual([]);
});

test('a signal that had aborted before takes no place in the mailbox', async () => {
  const { mailbox, post } = aMailbox({ capacity: 1, held: true });
  expect(await failure(post('given up', { signal: AbortSignal.abort() }))).toMatchObject({ code: 'cancelled' });
  expect(mailbox.length).toBe(0);
});

test('a signal that aborts after the letter was taken leaves its execution unknown', async () => {
  const { post } = aMailbox({ serve: () => {} });
  const controller = new AbortController();
  const given = failure(post('slow', { signal: controller.signal }));
  await settle();
  controller.abort();
  expect(await given).toMatchObject({ code: 'cancelled', execution: 'unknown' });
});

test('a signal that outlives a thousand letters keeps none of their listeners', async () => {
  const { post } = aMailbox();
  const controller = new AbortController();
  let listening = 0;
  const { signal } = controller;
  const add = signal.addEventListener.bind(signal);
  const remove = signal.removeEventListener.bind(signal);
  signal.addEventListener = (...args: Parameters<typeof add>) => {
    listening += 1;
    add(...args);
  };
  signal.removeEventListener = (...args: Parameters<typeof remove>) => {
    listening -= 1;
    remove(...args);
  };
  for (let index = 0; index < 1000; index += 1) await post('a', { signal });
  expect(listening).toBe(0);
});

test('a letter is answered exactly once, whoever comes second', async () => {
  const letters: TestLetter[] = [];
  const { post } = aMailbox({ serve: (letter) => void letters.push(letter) });
  const controller = new AbortController();
  const answer = post('a', { signal: controller.signal, timeoutMs: 10 });
  await settle();
  const [letter] = letters;
  letter?.reply('first');
  letter?.fail(new CoilyardError('internal', 'second'));
  letter?.reply('third');
  letter?.expire();
  controller.abort();
  expect(await answer).toBe('first');
  expect(letter?.settled).toBe(true);
});

test('no timer is left once a letter whose deadline was watched is answered', async () => {
  const { clock, mailbox, post } = aMailbox({ held: true });
  const answer = post('a', { timeoutMs: 50 });
  expect(clock.pendingTimers).toBe(1);
  mailbox.release();
  await answer;
  await clock.advance(51);
  expect(clock.pendingTimers).toBe(0);
});

test('failAll answers all that waits, each with an error of its own, and the mailbox stays open', async () => {
  const { mailbox, post, seen } = aMailbox({ held: true });
  const waiting = [failure(post('a')), failure(post('b', { lane: 'system' }))];
  mailbox.failAll(() => new CoilyardError('session_crashed', 'crashed', { execution: 'not_started' }));
  const errors = await Promise.all(waiting);
  expect(errors.map(({ code }) => code)).toEqual(['session_crashed', 'session_crashed']);
  expect(errors[0]).not.toBe(errors[1]);
  mailbox.release();
  expect(await post('c')).toBe('c');
  expect(seen).toEqual(['c']);
});

test('a closed mailbox answers what waits and whatever comes later with the reason, and cannot be opened again', async () => {
  const { mailbox, post, seen } = aMailbox({ held: true });
  const waiting = failure(post('a'));
  mailbox.close(() => new CoilyardError('session_not_found', 'stopped'));
  mailbox.close(() => new CoilyardError('internal', 'a second reason'));
  mailbox.hold();
  mailbox.release();
  expect(await waiting).toMatchObject({ code: 'session_not_found' });
  expect(await failure(post('b'))).toMatchObject({ code: 'session_not_found' });
  expect(seen).toEqual([]);
});

test('a mailbox that is closed in the middle of a drain gives nothing more', async () => {
  const { mailbox, post, seen } = aMailbox({
    serve: (letter) => {
      letter.reply('done');
      mailbox.close(() => new CoilyardError('session_not_found', 'stopped'));
    },
  });
  const answers = [post('a'), failure(post('b'))];
  expect(await answers[0]).toBe('done');
  expect(await answers[1]).toMatchObject({ code: 'session_not_found' });
  expect(seen).toEqual(['a']);
});

test('an owner whose every letter posts another one on the spot does not starve the event loop', async () => {
  let posted = 0;
  const { mailbox, post } = aMailbox({
    serve: (letter) => {
      letter.reply('done');
      posted += 1;
      // Two for one would fill the mailbox: refused posts are answers too.
      void mailbox.post('again', { timeoutMs: 1000 }).catch(() => {});
    },
  });
  await post('first');
  await settle();
  await settle();
  expect(posted).toBeGreaterThan(1000);
  expect(posted).toBeLessThan(10_000);
  mailbox.close(() => new CoilyardError('session_not_found', 'stopped'));
});

test('two actors that answer each other for ever do not starve the event loop', async () => {
  let rallies = 0;
  const ping = aMailbox({ serve: (letter) => rally(letter, () => pong) });
  const pong = aMailbox({ serve: (letter) => rally(letter, () => ping) });
  function rally(letter: TestLetter, other: () => TestBox): void {
    letter.reply('');
    rallies += 1;
    void other()
      .post('ball')
      .catch(() => {});
  }
  await ping.post('serve');
  await settle();
  expect(rallies).toBeGreaterThan(1000);
  expect(rallies).toBeLessThan(10_000);
  for (const { mailbox } of [ping, pong]) mailbox.close(() => new CoilyardError('session_not_found', 'stopped'));
});

test('a thousand senders in a loop let the event loop turn between their letters', async () => {
  const { mailbox, post } = aMailbox();
  let answered = 0;
  let isOpen = true;
  const senders = Array.from({ length: 1000 }, async () => {
    while (isOpen) {
      await post('a');
      answered += 1;
    }
  });
  await settle();
  await settle();
  isOpen = false;
  expect(answered).toBeLessThan(20_000);
  await Promise.all(senders);
  expect(mailbox.length).toBe(0);
});
