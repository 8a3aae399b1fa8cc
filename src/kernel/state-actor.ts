/**
 * An xstate actor whose state is committed elsewhere and published to it: a full `ActorRef` for `subscribe`, `waitFor`,
 * `useSelector` and the inspector. Custom logic, because a chart costs thirty times as much per event. xstate 6 changes
 * `ActorLogic`: this file is where that is met.
 */

import { type Actor, type ActorLogic, createActor, type Observer, type Snapshot } from 'xstate';
import { isolate } from './isolate.js';
import { isolateObservers } from './spawn-actor.js';

/** What `getSnapshot()` gives. */
export type StateSnapshotOf<Context> = Snapshot<undefined> & { readonly context: Context };

/** Made here only, and known by its class: nobody else can publish a state by sending something that looks like this. */
class Publish<Context> {
  readonly type = 'state.published';
  readonly context: Context;

  constructor(context: Context) {
    this.context = context;
  }
}

type StateLogic<Context, Message extends { readonly type: string }> = ActorLogic<
  StateSnapshotOf<Context>,
  Message | Publish<Context>,
  Context
>;

/**
 * The reference that users hold. Messages sent to it are handed to the owner, never handled on the sender's stack. Only
 * the owner can stop it.
 */
export type StateActorRef<Context, Message extends { readonly type: string }> = Actor<StateLogic<Context, Message>>;

export interface StateActor<Context, Message extends { readonly type: string }> {
  readonly ref: StateActorRef<Context, Message>;
  publish(context: Context): void;
  stop(): void;
}

/** @param receive takes messages that users send to the reference. Must not throw. */
export function createStateActor<Context, Message extends { readonly type: string }>(
  initial: Context,
  receive: (message: Message) => void,
): StateActor<Context, Message> {
  const logic: StateLogic<Context, Message> = {
    getInitialSnapshot: (_scope, context) => active(context),
    transition: (snapshot, event) => {
      if (event instanceof Publish) return active(event.context);
      if (event.type === STOP) return stopped(snapshot.context);
      receive(event);
      return snapshot;
    },
    getPersistedSnapshot: (snapshot) => snapshot,
  };
  const ref = createActor(logic, { input: initial });
  isolateObservers(ref, () => ref.id);
  onceEach(ref);
  ref.start();
  const { send } = ref;
  const stop = ref.stop.bind(ref);
  // What is no message would break xstate's own mailbox for good; like any message that is not understood, it is passed over.
  // It is read once, here, where a getter that throws is only a warning: inside of xstate it would end the process.
  ref.send = (message) =>
    isolate(() => {
      if (isMessage(message)) send({ ...message });
    }, `a message to ${ref.id}`);
  ref.stop = () => ref;
  return { ref, publish: (context) => send(new Publish(context)), stop: () => void stop() };
}

/**
 * xstate tells its subscribers of every message, also of one that has changed nothing yet: a subscriber that sends would
 * hear of its own message at once, and answer it for ever. Here they hear of each state once.
 */
function onceEach<Context, Message extends { readonly type: string }>(ref: StateActorRef<Context, Message>): void {
  const subscribe = ref.subscribe.bind(ref);
  ref.subscribe = (
    first?: Observer<StateSnapshotOf<Context>> | ((snapshot: StateSnapshotOf<Context>) => void),
    onError?: (error: unknown) => void,
    onComplete?: () => void,
  ) => {
    const observer = typeof first === 'object' ? first : { next: first, error: onError, complete: onComplete };
    let last = ref.getSnapshot();
    return subscribe({
      next: (snapshot) => {
        if (snapshot === last) return;
        last = snapshot;
        observer.next?.(snapshot);
      },
      error: (error) => observer.error?.(error),
      complete: () => observer.complete?.(),
    });
  };
}

/** What xstate itself sends to an actor that is to stop. */
const STOP = 'xstate.stop';

const isMessage = (message: { readonly type: string } | undefined | null): boolean =>
  typeof message === 'object' && message !== null && typeof message.type === 'string' && message.type !== STOP;

const active = <Context>(context: Context): StateSnapshotOf<Context> => ({
  status: 'active',
  output: undefined,
  error: undefined,
  context,
});

const stopped = <Context>(context: Context): StateSnapshotOf<Context> => ({
  status: 'stopped',
  output: undefined,
  error: undefined,
  context,
});
