// Who tries the values asks for them, and tells how good they were: any number of clients, in any language.
import { CoilyardError, startRuntime } from 'coilyard';

const runtime = await startRuntime({ python: false });
const session = await runtime.sessions.start();
await session.register('rate', 'float', 0.5, { constraints: { min: 0, max: 1 } });

const run = await runtime.optimizers.start(session, 'rate', {
  optimizer: 'random_search',
  config: { seed: 7 },
  maxIterations: 6,
  parallel: 2,
});

// No other run may have the variable meanwhile.
await runtime.optimizers
  .start(session, 'rate', { optimizer: 'gradient' })
  .catch((error: unknown) => error instanceof CoilyardError && console.log(error.code));

const client = async (name: string): Promise<number> => {
  let count = 0;
  for (let trial = await run.ask(name); trial !== undefined; trial = await run.ask(name)) {
    const [rate] = trial.values;
    count += 1;
    if (count === 2) await run.fail(trial, 'out of memory', name);
    else await run.tell(trial, 1 - Math.abs(Number(rate?.value) - 0.3), name);
  }
  return count;
};
const counts = await Promise.all([client('one'), client('two')]);
console.log(counts.reduce((sum, count) => sum + count));

for await (const { iteration, score, error } of run.trials())
  if (error !== '') console.log(iteration > 0, score, error);

await runtime.stop();
