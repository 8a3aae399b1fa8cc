// An optimizer looks for the best value of a variable.
import { startRuntime } from 'coilyard';

const runtime = await startRuntime({ python: false });
const session = await runtime.sessions.start();
await session.register('temperature', 'float', 0.7, { constraints: { min: 0, max: 2 } });

/** What an evaluation of an agent would measure: it is best at 1.1. */
const accuracy = (temperature: number): number => 0.9 - (temperature - 1.1) ** 2;

const run = await runtime.optimizers.start(session, 'temperature', {
  optimizer: 'bayesian',
  config: { seed: 1 },
  objective: (value) => ({ accuracy: accuracy(Number(value)), tokens: 120 }),
  metric: 'accuracy',
  maxIterations: 30,
});
console.log(run.status().isOptimizing, session.get('temperature'));

const { reason, iteration, bestScore, committed } = await run.ended;
console.log(reason, iteration < 30, bestScore?.toFixed(3), committed);
console.log(Number(session.get('temperature')).toFixed(1), session.variable('temperature').source);

const [first] = session.optimizationHistory('temperature', { optimizerId: run.id });
console.log(first?.iteration, first?.value, first?.metrics);

await runtime.stop();
