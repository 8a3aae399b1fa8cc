/**
 * An xstate actor whose state is committed elsewhere and published to it: a full `ActorRef` for `subscribe`, `waitFor`,
 * `useSelector` and the inspector. Custom logic, because a chart costs thirty times as much per event. xstate 6 changes
 * `ActorLogic`: this file is where that is met.
 */

import { type Actor, type ActorLogic, createActor, type Snapshot } from 'xstate';
import { isolateObservers } from './spawn-actor.js';

/** What `getSnapshot()` gives. */
export type StateSnapshotOf<Context> = Snapshot<undefined> & { readonly context: Context };

interface Publish<Context> {
  readonly type: 'state.published';
  readonly context: Context;
}

type StateLogic<Context, Message extends { readonly type: string }> = ActorLogic<
  StateSnapshotOf<Context>,
  Message | Publish<Context>,
  Context
>;

/** The reference that users hold. Messages sent to it are handed to the owner, never handled on the sender's stack. */
export type StateActorRef<Context, Message extends { readonly type: string }> = Actor<StateLogic<Context, Message>>;

export interface StateActor<Context, Message extends { readonly type: string }> {
  readonly ref: StateActorRef<Context, Message>;
  publish(context: Context): void;
  stop(): void;
}

/** @param receive takes messages that users send to the reference. */
export function createStateActor<Context, Message extends { readonly type: string }>(
  initial: Context,
  receive: (message: Message) => void,
): StateActor<Context, Message> {
  const logic: StateLogic<Context, Message> = {
    getInitialSnapshot: (_scope, context) => active(context),
    transition: (snapshot, event) => {
      if (isPublish(event)) return active(event.context);
      if (event.type === 'xstate.stop') return stopped(snapshot.context);
      receive(event);
      return snapshot;
    },
    getPersistedSnapshot: (snapshot) => snapshot,
  };
  const ref = createActor(logic, { input: initial });
  isolateObservers(ref, () => ref.id);
  ref.start();
  return {
    ref,
    publish: (context) => ref.send({ type: 'state.published', context }),
    stop: () => void ref.stop(),
  };

  function isPublish(event: Message | Publish<Context>): event is Publish<Context> {
    return event.type === 'state.published';
  }
}

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
