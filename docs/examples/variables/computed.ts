// Dependencies, and variables that compute themselves.
import { CoilyardError, startRuntime } from 'coilyard';

const runtime = await startRuntime({ python: false });
const session = await runtime.sessions.start();

await session.register('words', 'integer', 200);
await session.register('tokens_per_word', 'float', 1.3);
await session.register('max_tokens', 'integer', undefined, {
  dependencies: ['words', 'tokens_per_word'],
  compute: ({ words, tokens_per_word }) => Math.ceil(Number(words) * Number(tokens_per_word)),
});
console.log(session.get('max_tokens'));

const { revision } = await session.set('words', 300);
console.log(session.get('max_tokens'), session.variable('max_tokens').revision === revision);

for (const attempt of [
  () => session.set('max_tokens', 1),
  () => session.addDependency('words', 'max_tokens'),
  () => session.delete('words'),
])
  await attempt().catch((error: unknown) => error instanceof CoilyardError && console.log(error.code));

await session.delete('words', { cascade: true });
console.log(session.list().map(({ name }) => name));

await runtime.stop();
