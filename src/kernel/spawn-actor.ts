/**
 * Any xstate logic as a process: a machine, a transition, a promise, a callback, an observable, or custom logic. The actor
 * is the root of its own actor system, because a child's error would kill its parent chart.
 *
 * What xstate leaves open is closed here: an error without a listener, a throwing observer and the children of an actor
 * that threw would otherwise reach `uncaughtException` or live on for ever.
 */

import {
  type Actor,
  type ActorOptions,
  type AnyActorLogic,
  type AnyActorScope,
  createActor,
  type InputFrom,
  type Observer,
  type SnapshotFrom,
} from 'xstate';
import { checkOptionalPort, reading } from './arguments.js';
import type { Clock, Timer } from './clock.js';
import { type ExitReason, exitReason } from './exit-reason.js';
import { isolate } from './isolate.js';
import type { Process, ProcessOptions } from './process.js';
import { ProcessCore } from './process-core.js';

export interface SpawnActorOptions<TLogic extends AnyActorLogic> extends Omit<ProcessOptions, 'trapExit'> {
  readonly input?: InputFrom<TLogic>;
  /** Drives the delays of the logic (`after`). Default: the system's. */
  readonly clock?: Clock;
}

/** A process that is an xstate actor. Its exit reason: done → `normal`, failed → that error, stopped → `shutdown`. */
export interface ActorProcess<TLogic extends AnyActorLogic> extends Process {
  /** Send it events, subscribe, read snapshots. A subscriber that throws or has no error listener hurts nobody. */
  readonly actor: Actor<TLogic>;
}

/**
 * Starts an actor and resolves once it runs (or has already ended: an actor may be done in its first state).
 *
 * @throws the error of an actor that fails while it starts; `already_started` or `noproc` as {@link spawn} does.
 */
export function spawnActor<TLogic extends AnyActorLogic>(
  logic: TLogic,
  options?: SpawnActorOptions<TLogic>,
): Promise<ActorProcess<TLogic>>;
export async function spawnActor(
  logic: AnyActorLogic,
  options: SpawnActorOptions<AnyActorLogic> = {},
): Promise<ActorProcess<AnyActorLogic>> {
  const process = reading('options', () => {
    checkOptionalPort('logic', logic ?? null, ['getInitialSnapshot', 'transition', 'getPersistedSnapshot']);
    return new XstateProcess(logic, options);
  });
  await process.start(options);
  return process;
}

class XstateProcess extends ProcessCore implements ActorProcess<AnyActorLogic> {
  readonly #logic: AnyActorLogic;
  #actor: Actor<AnyActorLogic> | undefined;
  #scope: AnyActorScope | undefined;
  #endedEarly: ExitReason | undefined;

  constructor(logic: AnyActorLogic, options: SpawnActorOptions<AnyActorLogic>) {
    super(options);
    this.#logic = logic;
  }

  get actor(): Actor<AnyActorLogic> {
    if (this.#actor === undefined) throw new TypeError('the actor has not started');
    return this.#actor;
  }

  async start(options: SpawnActorOptions<AnyActorLogic>): Promise<void> {
    await this.begin(() => {
      const actor = this.#createActor(options);
      this.#actor = actor;
      actor.subscribe({
        error: (error) => this.#ended(exitReason.error(error)),
        complete: () => this.#ended(actor.getSnapshot().status === 'done' ? exitReason.normal : exitReason.shutdown),
      });
      isolateObservers(actor, () => this.id);
      actor.start();
      if (this.#endedEarly?.type === 'error') throw this.#endedEarly.error;
    });
    if (this.#endedEarly !== undefined) this.end(this.#endedEarly);
  }

  protected override onExit(): void {}

  protected override onDeath(): void {
    isolate(
      () => void this.#actor?.stop(),
      () => `stopping the actor of ${this.id}`,
    );
  }

  #createActor({ input, clock }: SpawnActorOptions<AnyActorLogic>): Actor<AnyActorLogic> {
    const logic = this.#logic;
    const observed: AnyActorLogic = Object.create(logic);
    observed.getInitialSnapshot = (scope: AnyActorScope, given: unknown) => {
      this.#scope = scope;
      return logic.getInitialSnapshot(scope, given);
    };
    return createActor(observed, {
      input,
      src: logic,
      ...(clock === undefined ? {} : { clock: xstateClock(clock) }),
    });
  }

  #ended(reason: ExitReason): void {
    if (this.running) {
      if (reason.type === 'error') this.#stopOrphans();
      this.end(reason);
    } else if (this.alive) {
      this.#endedEarly ??= reason;
    } else if (reason.type === 'error') {
      // The logic failed while it was being stopped: nobody is left to hear of it.
      isolate(
        () => Promise.reject(reason.error),
        () => `stopping the actor of ${this.id}`,
      );
    }
  }

  /** xstate forgets the children and the disposal of an actor that threw: the stop event is what releases them. */
  #stopOrphans(): void {
    const scope = this.#scope;
    if (scope === undefined) return;
    // A dead actor runs nothing that is queued in it: everything has to happen at once.
    const atOnce: AnyActorScope = {
      ...scope,
      defer: (effect) => effect(),
      actionExecutor: ({ exec, info, params }) => exec?.(info, params),
    };
    isolate(
      () => void this.#logic.transition(this.actor.getSnapshot(), { type: 'xstate.stop' }, atOnce),
      `the clean-up of ${this.id}`,
    );
  }
}

const xstateClock = (clock: Clock): NonNullable<ActorOptions<AnyActorLogic>['clock']> => ({
  setTimeout: (fire, delayMs) => clock.setTimer(delayMs, fire),
  clearTimeout: (timer: Timer) => timer.cancel(),
});

/** From now on no observer of the actor can throw into xstate, which would rethrow it where nobody can catch it. */
export function isolateObservers<TLogic extends AnyActorLogic>(actor: Actor<TLogic>, id: () => string): void {
  const subscribe = actor.subscribe.bind(actor);
  actor.subscribe = (
    first?: Observer<SnapshotFrom<TLogic>> | ((snapshot: SnapshotFrom<TLogic>) => void),
    onError?: (error: unknown) => void,
    onComplete?: () => void,
  ) => {
    const observer = typeof first === 'object' ? first : { next: first, error: onError, complete: onComplete };
    return subscribe({
      next: (snapshot) =>
        isolate(
          () => observer.next?.(snapshot),
          () => `an observer of ${id()}`,
        ),
      error: (error) =>
        isolate(
          () => observer.error?.(error),
          () => `an observer of ${id()}`,
        ),
      complete: () =>
        isolate(
          () => observer.complete?.(),
          () => `an observer of ${id()}`,
        ),
    });
  };
  const on = actor.on.bind(actor);
  actor.on = (type, handler) =>
    on(type, (event) =>
      isolate(
        () => handler(event),
        () => `a listener of ${id()} for ${String(type)}`,
      ),
    );
}
