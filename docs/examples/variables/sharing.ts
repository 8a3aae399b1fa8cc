// Who may do what, one consistent picture, and taking variables along.
import { CoilyardError, startRuntime } from 'coilyard';

const runtime = await startRuntime({ python: false });
const session = await runtime.sessions.start();
await session.registerMany([
  { name: 'temperature', type: 'float', initialValue: 0.7 },
  { name: 'prompt', type: 'string', initialValue: 'Be brief.' },
]);

await session.setPermissions('prompt', [
  { sessionPattern: 'any', permissions: ['read'] },
  { sessionPattern: 'editor_*', permissions: ['read', 'write'] },
]);
await session
  .as('guest_1')
  .set('prompt', 'Be rude.')
  .catch((error: unknown) => error instanceof CoilyardError && console.log(error.code));
await session.as('editor_1').set('prompt', 'Be kind.');

{
  using picture = session.pin();
  await session.set('temperature', 1.5);
  console.log(picture.get('temperature'), session.get('temperature'));
}

const bytes = await session.export({ format: 'yaml', filterPattern: '^temp' });
const other = await runtime.sessions.start();
await other.register('temperature', 'float', 0);
const plan = await other.import(bytes, { format: 'yaml', dryRun: true });
console.log(plan.details);
await other.import(bytes, { format: 'yaml' });
console.log(other.get('temperature'));

const [latest] = session.audit({ limit: 1 });
console.log(latest?.action, latest?.variable, latest?.oldValue, latest?.newValue);

await runtime.stop();
