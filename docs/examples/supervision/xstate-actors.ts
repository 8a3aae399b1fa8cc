// A machine that crashes on bad news is started afresh; its sibling never hears of it.
import { type ActorProcess, spawnActor, startSupervisor } from 'coilyard/supervisors';
import { fromCallback, setup } from 'xstate';

type News = { type: 'open' } | { type: 'close' } | { type: 'impossible' };

const door = setup({ types: { events: {} as News } }).createMachine({
  initial: 'closed',
  states: {
    closed: { on: { open: 'open' } },
    open: { on: { close: 'closed' } },
  },
  on: {
    impossible: {
      actions: () => {
        throw new Error('the door is not there');
      },
    },
  },
});

const bell = fromCallback(() => () => console.log('the bell is silent'));

// A restarted actor is a new actor: keep where it is found, not the actor itself.
let current: ActorProcess<typeof door> | undefined;

const supervisor = await startSupervisor({
  children: [
    {
      id: 'door',
      start: async (self) => {
        current = await spawnActor(door, { parent: self });
        return current;
      },
    },
    { id: 'bell', start: (self) => spawnActor(bell, { parent: self }) },
  ],
});

current?.actor.send({ type: 'open' });
console.log(`the door is ${current?.actor.getSnapshot().value}`);

const crashed = current;
crashed?.actor.subscribe(() => console.log('a subscriber without an error listener is no danger'));
crashed?.actor.send({ type: 'impossible' });
console.log(`it ended with: ${(await crashed?.exited)?.type}`);

// The answer of the supervisor comes after it has restarted the child.
await supervisor.countChildren();
console.log(`the door is ${current?.actor.getSnapshot().value} again`);

await supervisor.stop();
