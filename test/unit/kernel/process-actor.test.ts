import { expect, test } from 'vitest';
import {
  assign,
  createMachine,
  fromCallback,
  fromObservable,
  fromPromise,
  fromTransition,
  type Observer,
  type Subscribable,
  setup,
  toPromise,
  waitFor,
} from 'xstate';
import { sleep, systemClock } from '../../../src/kernel/clock.js';
import { exitReason } from '../../../src/kernel/exit-reason.js';
import { spawn } from '../../../src/kernel/spawn.js';
import { spawnActor } from '../../../src/kernel/spawn-actor.js';
import { ManualClock, settle } from '../../../src/testing/manual-clock.js';

const error = new Error('boom');

/** Whatever reaches the process while `run` and all that follows from it happen. */
async function uncaughtDuring(run: () => Promise<void>): Promise<unknown[]> {
  const caught: unknown[] = [];
  const listener = (thrown: unknown): void => void caught.push(thrown);
  const others = process.listeners('uncaughtException');
  process.removeAllListeners('uncaughtException');
  process.on('uncaughtException', listener);
  try {
    await run();
    // xstate rethrows from a timer of 0 ms.
    await sleep(systemClock, 5);
  } finally {
    process.off('uncaughtException', listener);
    for (const other of others) process.on('uncaughtException', other);
  }
  return caught;
}

const toggle = setup({
  types: { events: {} as { type: 'flip' } | { type: 'break' } | { type: 'finish' } },
}).createMachine({
  initial: 'off',
  states: {
    off: { on: { flip: 'on' } },
    on: { on: { flip: 'off' } },
    done: { type: 'final' },
  },
  on: {
    finish: '.done',
    break: {
      actions: () => {
        throw error;
      },
    },
  },
});

test('a machine that reaches its final state ends with normal', async () => {
  const toggling = await spawnActor(toggle);
  toggling.actor.send({ type: 'flip' });
  expect(toggling.actor.getSnapshot().value).toBe('on');
  toggling.actor.send({ type: 'finish' });
  expect(toggling.alive).toBe(false);
  expect(await toggling.exited).toEqual(exitReason.normal);
});

test('a machine whose action throws ends with that error', async () => {
  const toggling = await spawnActor(toggle);
  toggling.actor.send({ type: 'break' });
  expect(await toggling.exited).toEqual(exitReason.error(error));
});

test('an actor that is stopped, by its own stop or by an exit signal, ends with shutdown', async () => {
  const [a, b] = [await spawnActor(toggle), await spawnActor(toggle)];
  a.actor.stop();
  b.exit(exitReason.shutdown);
  expect(await a.exited).toEqual(exitReason.shutdown);
  expect(await b.exited).toEqual(exitReason.shutdown);
  expect(b.actor.getSnapshot().status).toBe('stopped');
});

test('a killed actor is stopped: its effects are disposed of', async () => {
  let disposed = false;
  const ticking = await spawnActor(
    fromCallback(() => () => {
      disposed = true;
    }),
  );
  ticking.exit(exitReason.killed);
  expect(await ticking.exited).toEqual(exitReason.killed);
  expect(disposed).toBe(true);
});

test('a promise that resolves ends with normal, one that rejects with its error', async () => {
  const good = await spawnActor(fromPromise(async () => 42));
  const bad = await spawnActor(fromPromise(() => Promise.reject(error)));
  expect(await good.exited).toEqual(exitReason.normal);
  expect(good.actor.getSnapshot().output).toBe(42);
  expect(await bad.exited).toEqual(exitReason.error(error));
});

test('a promise logic gets its input, and its signal aborts when the process is stopped', async () => {
  let signal: AbortSignal | undefined;
  const waiting = await spawnActor(
    fromPromise<number, { start: number }>(({ input, signal: given }) => {
      signal = given;
      return new Promise((resolve) => given.addEventListener('abort', () => resolve(input.start)));
    }),
    { input: { start: 7 } },
  );
  expect(signal?.aborted).toBe(false);
  waiting.exit(exitReason.shutdown);
  expect(signal?.aborted).toBe(true);
});

test('a transition logic runs until it is stopped, and a throwing reducer ends it with the error', async () => {
  const counter = fromTransition((count: number, event: { type: 'inc' | 'break' }) => {
    if (event.type === 'break') throw error;
    return count + 1;
  }, 0);
  const [stopped, broken] = [await spawnActor(counter), await spawnActor(counter)];
  stopped.actor.send({ type: 'inc' });
  expect(stopped.actor.getSnapshot().context).toBe(1);
  stopped.actor.stop();
  expect(await stopped.exited).toEqual(exitReason.shutdown);
  broken.actor.send({ type: 'break' });
  expect(await broken.exited).toEqual(exitReason.error(error));
});

test('an observable that completes ends with normal, one that fails with its error', async () => {
  const observable = (end: (observer: Observer<number>) => void): Subscribable<number> => ({
    subscribe: (first: Observer<number> | ((value: number) => void)) => {
      if (typeof first === 'object') queueMicrotask(() => end(first));
      return { unsubscribe: () => {} };
    },
  });
  const good = await spawnActor(fromObservable(() => observable((observer) => observer.complete?.())));
  const bad = await spawnActor(fromObservable(() => observable((observer) => observer.error?.(error))));
  expect(await good.exited).toEqual(exitReason.normal);
  expect(await bad.exited).toEqual(exitReason.error(error));
});

test('an actor that fails while it starts fails spawnActor, and the cause is the error', async () => {
  const failing = [
    createMachine({
      entry: () => {
        throw error;
      },
    }),
    createMachine({
      context: () => {
        throw error;
      },
    }),
    fromCallback(() => {
      throw error;
    }),
  ];
  const uncaught = await uncaughtDuring(async () => {
    for (const logic of failing)
      await expect(spawnActor(logic)).rejects.toMatchObject({ name: 'CoilyardError', cause: error });
  });
  expect(uncaught).toEqual([]);
});

test('an actor that is done in its first state is a process that has ended with normal', async () => {
  const born = await spawnActor(createMachine({ initial: 'end', states: { end: { type: 'final' } } }));
  expect(born.alive).toBe(false);
  expect(await born.exited).toEqual(exitReason.normal);
});

test('an actor is linked to its parent: a crash is told, and the crash of the parent stops the actor', async () => {
  const exits: unknown[] = [];
  const parent = await spawn({ trapExit: true, handleExit: (from, reason) => void exits.push([from, reason]) });
  const crashing = await spawnActor(toggle, { parent });
  const bystander = await spawnActor(toggle, { parent });
  crashing.actor.send({ type: 'break' });
  await settle();
  expect(exits).toEqual([[crashing, exitReason.error(error)]]);
  expect(bystander.alive).toBe(true);
  parent.exit(exitReason.killed);
  await settle();
  expect(bystander.actor.getSnapshot().status).toBe('stopped');
});

test('observers that throw, or have no error listener, never reach uncaughtException', async () => {
  const seen: unknown[] = [];
  const uncaught = await uncaughtDuring(async () => {
    const toggling = await spawnActor(toggle);
    toggling.actor.subscribe(() => {
      throw new Error('a bad observer');
    });
    toggling.actor.subscribe({
      next: (snapshot) => seen.push(snapshot.value),
      error: () => {
        throw new Error('a bad error listener');
      },
    });
    toggling.actor.subscribe(() => {});
    toggling.actor.send({ type: 'flip' });
    toggling.actor.send({ type: 'break' });
    expect(await toggling.exited).toEqual(exitReason.error(error));
  });
  expect(uncaught).toEqual([]);
  expect(seen).toEqual(['on']);
});

test('a listener of emitted events that throws never reaches uncaughtException', async () => {
  const { emit, createMachine: create } = setup({
    types: { events: {} as { type: 'go' }, emitted: {} as { type: 'gone' } },
  });
  const logic = create({ on: { go: { actions: emit({ type: 'gone' }) } } });
  let heard = 0;
  const uncaught = await uncaughtDuring(async () => {
    const emitting = await spawnActor(logic);
    emitting.actor.on('gone', () => {
      throw new Error('a bad listener');
    });
    emitting.actor.on('gone', () => {
      heard += 1;
    });
    emitting.actor.send({ type: 'go' });
    expect(emitting.alive).toBe(true);
  });
  expect(uncaught).toEqual([]);
  expect(heard).toBe(1);
});

test('the children of a machine that threw do not live on, and its callbacks are disposed of', async () => {
  const log: string[] = [];
  const invoked = fromCallback(() => {
    log.push('started');
    return () => log.push('disposed');
  });
  const parent = setup({ actors: { invoked } }).createMachine({
    invoke: { src: 'invoked', id: 'child' },
    on: {
      break: {
        actions: () => {
          throw error;
        },
      },
    },
  });
  const running = await spawnActor(parent);
  running.actor.send({ type: 'break' });
  expect(await running.exited).toEqual(exitReason.error(error));
  expect(log).toEqual(['started', 'disposed']);
});

test('a callback that throws on an event is disposed of', async () => {
  let disposals = 0;
  const listening = await spawnActor(
    fromCallback<{ type: 'break' }>(({ receive }) => {
      receive(() => {
        throw error;
      });
      return () => {
        disposals += 1;
      };
    }),
  );
  listening.actor.send({ type: 'break' });
  expect(await listening.exited).toEqual(exitReason.error(error));
  expect(disposals).toBe(1);
});

test('a disposal that throws while the actor is stopped hurts nobody', async () => {
  const uncaught = await uncaughtDuring(async () => {
    const stopping = await spawnActor(
      fromCallback(() => () => {
        throw error;
      }),
    );
    stopping.exit(exitReason.shutdown);
    expect(await stopping.exited).toEqual(exitReason.shutdown);
  });
  expect(uncaught).toEqual([]);
});

test('waitFor, toPromise and select work on a supervised actor', async () => {
  const counting = await spawnActor(
    setup({ types: { context: {} as { count: number }, events: {} as { type: 'inc' } } }).createMachine({
      context: { count: 0 },
      output: ({ context }) => context.count,
      initial: 'counting',
      states: {
        counting: {
          always: { guard: ({ context }) => context.count >= 2, target: 'done' },
          on: { inc: { actions: assign({ count: ({ context }) => context.count + 1 }) } },
        },
        done: { type: 'final' },
      },
    }),
  );
  const selected: number[] = [];
  counting.actor.select(({ context }) => context.count).subscribe((count) => void selected.push(count));
  const one = waitFor(counting.actor, ({ context }) => context.count === 1);
  const output = toPromise(counting.actor);
  counting.actor.send({ type: 'inc' });
  counting.actor.send({ type: 'inc' });
  expect((await one).context.count).toBe(1);
  expect(await output).toBe(2);
  expect(selected).toEqual([1, 2]);
});

test('delays of a machine run on the clock that is given', async () => {
  const clock = new ManualClock();
  const waiting = await spawnActor(
    createMachine({ initial: 'wait', states: { wait: { after: { 1000: 'end' } }, end: { type: 'final' } } }),
    { clock },
  );
  await clock.advance(999);
  expect(waiting.alive).toBe(true);
  await clock.advance(1);
  expect(await waiting.exited).toEqual(exitReason.normal);
});
