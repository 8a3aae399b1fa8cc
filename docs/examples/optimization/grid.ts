// Several variables in one run: the product of their values, each tried once.
import { startRuntime } from 'coilyard';

const runtime = await startRuntime({ python: false });
const session = await runtime.sessions.start();
await session.register('strategy', 'choice', 'short', { constraints: { choices: ['short', 'long'] } });
await session.register('examples', 'integer', 0, { constraints: { min: 0, max: 8, step: 4 } });

const score = (strategy: unknown, examples: number): number => (strategy === 'long' ? 10 : 0) - Math.abs(examples - 4);

const run = await runtime.optimizers.start(session, ['strategy', 'examples'], {
  optimizer: 'grid_search',
  objective: (_value, { values }) => score(values.get('strategy'), Number(values.get('examples'))),
});
const { reason, iteration, bestValues, committed } = await run.ended;
console.log(reason, iteration, bestValues);
console.log(committed, session.get('strategy'), session.get('examples'));

await runtime.stop();
