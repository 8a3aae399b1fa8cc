import fc from 'fast-check';
import { expect, test } from 'vitest';
import { CoilyardError } from '../../../src/kernel/errors.js';
import type { CallFrame } from '../../../src/wire/frames.js';
import { Harness, never, settle } from './harness.js';

/** What can happen, in any order. Numbers choose among what is there at that moment. */
type Step =
  | { type: 'call'; idempotent: boolean; timeoutMs: number | undefined; isStream: boolean }
  | { type: 'answer'; worker: number; call: number; how: 'result' | 'failure' | 'hand back' | 'twice' | 'chunk' }
  | { type: 'die'; worker: number; how: 'exit' | 'disconnect' | 'freeze' | 'killed by parent' }
  | { type: 'drain'; worker: number }
  | { type: 'restart'; place: number }
  | { type: 'abort'; call: number }
  | { type: 'advance'; byMs: number }
  | { type: 'unavailable' };

const index = fc.nat({ max: 20 });
const anyStep: fc.Arbitrary<Step> = fc.oneof(
  {
    weight: 5,
    arbitrary: fc.record({
      type: fc.constant('call' as const),
      idempotent: fc.boolean(),
      timeoutMs: fc.option(fc.integer({ min: 1, max: 400 }), { nil: undefined }),
      isStream: fc.boolean(),
    }),
  },
  {
    weight: 5,
    arbitrary: fc.record({
      type: fc.constant('answer' as const),
      worker: index,
      call: index,
      how: fc.constantFrom(
        'result' as const,
        'failure' as const,
        'hand back' as const,
        'twice' as const,
        'chunk' as const,
      ),
    }),
  },
  {
    weight: 2,
    arbitrary: fc.record({
      type: fc.constant('die' as const),
      worker: index,
      how: fc.constantFrom('exit' as const, 'disconnect' as const, 'freeze' as const, 'killed by parent' as const),
    }),
  },
  { weight: 1, arbitrary: fc.record({ type: fc.constant('drain' as const), worker: index }) },
  { weight: 3, arbitrary: fc.record({ type: fc.constant('restart' as const), place: fc.nat({ max: 2 }) }) },
  { weight: 2, arbitrary: fc.record({ type: fc.constant('abort' as const), call: index }) },
  {
    weight: 2,
    arbitrary: fc.record({ type: fc.constant('advance' as const), byMs: fc.integer({ min: 1, max: 500 }) }),
  },
  { weight: 1, arbitrary: fc.record({ type: fc.constant('unavailable' as const) }) },
);

interface MadeCall {
  readonly idempotent: boolean;
  readonly abort: AbortController;
  readonly endings: (CoilyardError | 'ok')[];
}

const pick = <T>(list: readonly T[], n: number): T | undefined => list[n % Math.max(1, list.length)];

/** The number that the test gave to the call, from its arguments. */
const numberOf = (frame: CallFrame): number => Number(frame.arguments.get('n'));

class World {
  readonly house: Harness;
  readonly made: MadeCall[] = [];
  readonly handedBack = new Map<number, number>();
  readonly processes = new Map<number, { exit(reason: { type: 'killed' }): void; readonly alive: boolean }>();
  readonly concurrency: number;

  constructor(concurrency: number, ignoresCancel: boolean, cancelGraceMs: number | undefined) {
    this.concurrency = concurrency;
    this.house = new Harness(
      { tools: { work: never }, ignoresCancel },
      {
        size: 3,
        concurrency,
        maxQueue: 4,
        heartbeatIntervalMs: 50,
        allowedMisses: 2,
        ...(cancelGraceMs === undefined ? {} : { cancelGraceMs }),
      },
    );
  }

  async run(step: Step): Promise<void> {
    const { house, made } = this;
    const { living } = house.launcher;
    switch (step.type) {
      case 'call':
        this.call(step);
        break;
      case 'answer': {
        const worker = pick(living, step.worker);
        const frame = worker && pick(worker.calls, step.call);
        if (worker === undefined || frame === undefined) break;
        const { callId } = frame;
        if (step.how === 'chunk') worker.send({ type: 'chunk', callId, value: 1 });
        else if (step.how === 'result') worker.send({ type: 'result', callId, value: 1 });
        else if (step.how === 'twice') {
          worker.send({ type: 'result', callId, value: 1 });
          worker.send({ type: 'result', callId, value: 2 });
        } else if (step.how === 'failure')
          worker.send({ type: 'failure', callId, error: new CoilyardError('python_error', 'no') });
        else {
          const n = numberOf(frame);
          this.handedBack.set(n, (this.handedBack.get(n) ?? 0) + 1);
          const error = new CoilyardError('pool_saturated', 'no room', { execution: 'not_started' });
          worker.send({ type: 'failure', callId, error });
        }
        break;
      }
      case 'die': {
        const worker = pick(living, step.worker);
        if (step.how === 'exit') worker?.exit({ signal: 'SIGKILL' });
        else if (step.how === 'disconnect') worker?.disconnect();
        else if (step.how === 'freeze') worker?.freeze();
        else pick([...this.processes.values()], step.worker)?.exit({ type: 'killed' });
        break;
      }
      case 'drain':
        pick(living, step.worker)?.send({ type: 'draining' });
        break;
      case 'restart':
        if (this.processes.get(step.place)?.alive !== true)
          await house.pool.startWorker(undefined, step.place).then(
            (process) => this.processes.set(step.place, process),
            () => {},
          );
        break;
      case 'abort':
        pick(made, step.call)?.abort.abort();
        break;
      case 'advance':
        await house.clock.advance(step.byMs);
        break;
      case 'unavailable':
        house.pool.markUnavailable(100, 'broken');
    }
    await settle();
    for (const worker of house.launcher.living) expect(worker.calls.length).toBeLessThanOrEqual(this.concurrency);
    expect(house.pool.queued).toBeLessThanOrEqual(4 + 9);
  }

  call({ idempotent, timeoutMs, isStream }: Extract<Step, { type: 'call' }>): void {
    const n = this.made.length;
    const call: MadeCall = { idempotent, abort: new AbortController(), endings: [] };
    this.made.push(call);
    const options = { idempotent, timeoutMs, signal: call.abort.signal };
    const ended = isStream ? drain(this.house.stream('work', { n }, options)) : this.house.call('work', { n }, options);
    ended.then(
      () => call.endings.push('ok'),
      (error) => call.endings.push(error),
    );
  }

  /** Ends everything; afterwards every call has to have ended. */
  async end(): Promise<void> {
    const { house } = this;
    house.pool.close();
    for (const process of this.processes.values()) process.exit({ type: 'killed' });
    await settle();
  }

  /** How often a worker began the call as far as the workers know. */
  begun(n: number): number {
    const sent = this.house.launcher.workers
      .flatMap(({ received }) => received)
      .filter((frame) => frame.type === 'call' && numberOf(frame) === n).length;
    return sent - (this.handedBack.get(n) ?? 0);
  }
}

async function drain(stream: AsyncIterable<unknown>): Promise<void> {
  for await (const _ of stream);
}

test('whatever happens in whatever order, each call ends exactly once and truthfully', async () => {
  const steps = fc.array(anyStep, { minLength: 1, maxLength: 60 });
  const grace = fc.option(fc.integer({ min: 1, max: 100 }), { nil: undefined });
  await fc.assert(
    fc.asyncProperty(
      steps,
      fc.integer({ min: 1, max: 3 }),
      fc.boolean(),
      grace,
      async (script, concurrency, deaf, graceMs) => {
        const world = new World(concurrency, deaf, graceMs);
        for (const step of script) await world.run(step);
        await world.end();

        const { house, made } = world;
        for (const [n, call] of made.entries()) {
          expect(call.endings).toHaveLength(1);
          const [ending] = call.endings;
          // Without leave to repeat, at most one worker ever began it.
          if (!call.idempotent) expect(world.begun(n)).toBeLessThanOrEqual(1);
          // `not_started` is a promise.
          if (ending instanceof CoilyardError && ending.execution === 'not_started') expect(world.begun(n)).toBe(0);
        }
        expect(
          house
            .eventsOf('call.ended')
            .map(({ callId }) => callId)
            .sort(),
        ).toEqual(
          house
            .eventsOf('call.started')
            .map(({ callId }) => callId)
            .sort(),
        );
        expect(house.pool.slots.map(({ load }) => load)).toEqual([0, 0, 0]);
        expect(house.pool.queued).toBe(0);
        expect(house.launcher.living).toEqual([]);
        expect(house.clock.pendingTimers).toBe(0);
      },
    ),
    { numRuns: 300 },
  );
}, 60_000);
