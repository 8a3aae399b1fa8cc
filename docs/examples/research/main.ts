/** Asks the research agent with one strategy, then with the other. `node dist/docs/examples/research/main.js` */

import { startRuntime } from 'coilyard';
import { Research } from './agent.js';
import { directory } from './directory.js';

const question = 'What is Elixir?';

async function main(): Promise<void> {
  await using runtime = await startRuntime({
    python: { pools: { default: { size: 1, imports: ['research'], paths: [directory] } } },
  });
  console.log(`The model: ${await runtime.python.call('describe_model')}.\n\n${question}`);
  const agent = await runtime.start(Research);
  print('ChainOfThought', await agent.run({ question }));
  const { version } = await agent.session.set('reasoning_strategy', 'Predict');
  print(`Predict, since version ${version} of reasoning_strategy`, await agent.run({ question }));
}

/** A ChainOfThought answers with its reasoning, a Predict with the answer alone. */
function print(strategy: string, fields: Readonly<Record<string, unknown>>): void {
  console.log(strategy);
  for (const [field, text] of Object.entries(fields)) console.log(`  ${field}: ${text}`);
}

main().catch((error: unknown) => {
  console.error(`research: ${error instanceof Error ? error.message : String(error)}`);
  process.exitCode = 1;
});
