// Variables: typed, checked, versioned, watched.
import { CoilyardError, startRuntime } from 'coilyard';

const runtime = await startRuntime({ python: false });
const session = await runtime.sessions.start();

await session.register('temperature', 'float', 0.7, { constraints: { min: 0, max: 2 } });
await session.registerMany([
  { name: 'model', type: 'choice', initialValue: 'small', constraints: { choices: ['small', 'large'] } },
  { name: 'attempts', type: 'integer', initialValue: 0 },
]);

session.observe('temperature', ({ oldValue, value, version }) =>
  console.log(`${oldValue} -> ${value}, version ${version}`),
);
await session.set('temperature', 1, { metadata: { reason: 'more variety' } });

try {
  await session.set('temperature', 3);
} catch (error) {
  if (error instanceof CoilyardError) console.log(error.code, error.message);
}

// All or none, at one revision.
const result = await session.update({ temperature: 0.2, model: 'enormous' });
console.log(result.ok, session.get('temperature'));

// Read, change, write; again when somebody else was faster.
await Promise.all([1, 2, 3].map(() => session.modify('attempts', (count) => Number(count) + 1)));
console.log(session.get('attempts'));

await session.rollback('temperature', 0, { reason: 'too much variety' });
for (const { version, value, metadata } of session.history('temperature')) console.log(version, value, metadata);

await runtime.stop();
