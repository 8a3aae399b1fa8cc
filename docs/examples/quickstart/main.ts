import { startRuntime } from 'coilyard';

await using runtime = await startRuntime();
const session = await runtime.sessions.start({ id: 'demo' });
await session.register('temperature', 'float', 0.7, { constraints: { min: 0, max: 2 } });
await session.set('temperature', 0.8); // → { version, revision }; an error that says why when it is refused
console.log(session.get('temperature')); // the committed value, read in place: 0.8

const { address } = await runtime.gateway.start();
console.log(`in another terminal: .venv/bin/python docs/examples/quickstart/main.py ${address}`);

// Every change, from whichever language: in order, once each, without a gap.
for await (const { name, oldValue, value, source, revision } of session.watch(['temperature'])) {
  console.log(`${name}: ${oldValue} -> ${value} at revision ${revision}, by ${source}`);
  if (value === 0) break;
}
