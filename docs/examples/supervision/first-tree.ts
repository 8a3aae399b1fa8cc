// A counter that is asked by name, killed, and back before anyone notices.
import { exitReason, formatTree, type From, spawnServer, startRegistry, startSupervisor } from 'coilyard/supervisors';

type Question = 'increment' | 'get';

const names = await startRegistry({ keys: 'unique' });

const supervisor = await startSupervisor({
  label: 'shop',
  strategy: 'one_for_one',
  children: [
    {
      id: 'counter',
      start: (self) =>
        spawnServer({
          parent: self,
          name: { registry: names, key: 'counter' },
          init: () => ({ state: 0 }),
          handleCall: (question: Question, _from: From<number>, count: number) => {
            const next = question === 'increment' ? count + 1 : count;
            return { reply: next, state: next };
          },
        }),
    },
  ],
});

const [counter] = await supervisor.whichChildren();
console.log(`${String(counter?.id)} is ${counter?.status}`);

names.whereis('counter')?.exit(exitReason.killed);
const [again] = await supervisor.whichChildren();
console.log(`${String(again?.id)} is ${again?.status} after ${again?.restarts} restart`);

console.log(formatTree(supervisor.tree()));

const report = await supervisor.stop();
console.log(`killed while stopping: ${report.killed.length}`);
