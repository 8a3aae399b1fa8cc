// A type of one's own, an embedding, and what the types that are built in make of values.
import { defineType, startRuntime, Tensor } from 'coilyard';

const percent = defineType({
  name: 'percent',
  cast: (value) => {
    if (typeof value !== 'number' || value < 0 || value > 100) throw new Error('expected a number from 0 to 100');
    return value;
  },
  constraints: { multipleOf: (value, of) => value % Number(of) === 0 || `${value} is no multiple of ${of}` },
});

const runtime = await startRuntime({ python: false, types: [percent] });
const session = await runtime.sessions.start();

await session.register('dropout', 'percent', 10, { constraints: { multipleOf: 5 } });
await session.set('dropout', 12).catch((error: Error) => console.log(error.message));

await session.register('query', 'embedding', [3, 4], { constraints: { dimensions: 2, normalize: true } });
const query = session.get('query');
if (query instanceof Tensor) console.log(query.dtype, query.shape, query.data);

await session.register('big', 'integer', 2n ** 80n);
await session.register('settings', 'map', { retries: 3, tags: ['a'] });
console.log(session.get('big'), Object.isFrozen(session.get('settings')));

await runtime.stop();
