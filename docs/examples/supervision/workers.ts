// Workers that come and go, one that keeps failing, and everything that happened to it.
import { exitReason, IGNORE, spawn, startDynamicSupervisor } from 'coilyard/supervisors';

const workers = await startDynamicSupervisor({
  label: 'workers',
  maxChildren: 100,
  historySize: 5,
  onEvent: (event) => {
    if (event.type === 'child.breaker') console.log(`${String(event.childId)}: breaker ${event.state}`);
  },
});

for (const id of ['steady', 'flaky'])
  await workers.startChild({
    id,
    shutdown: 1000,
    // After two restarts within a second it is left alone for a minute; its sibling is not touched.
    budget: { maxRestarts: 2, withinMs: 1000 },
    breaker: { openMs: 60_000, healthyMs: 10_000 },
    start: (self) => spawn({ parent: self, trapExit: true, terminate: () => console.log(`${id}: closed its files`) }),
  });

for (let crash = 0; crash < 3; crash += 1) {
  const flaky = (await workers.whichChildren()).find(({ id }) => id === 'flaky');
  if (typeof flaky?.process === 'object') flaky.process.exit(exitReason.killed);
  await workers.countChildren();
}

for (const { id, status, history } of await workers.whichChildren()) {
  const ends = history.map(({ reason }) => reason.type).join(', ');
  console.log(`${String(id)} is ${status}; earlier lives: ${ends || 'none'}`);
}

const refused = await workers.startChild({ id: 'optional', start: () => IGNORE });
console.log(`optional: ${refused}`);

const { killed } = await workers.stop(exitReason.shutdown, { deadlineMs: 5000 });
console.log(`killed while stopping: ${killed.length}`);
