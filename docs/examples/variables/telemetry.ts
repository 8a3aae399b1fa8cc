// What a runtime tells of itself.
import { prometheusMetrics, startRuntime } from 'coilyard';

const runtime = await startRuntime({ python: false, audit: { redact: ['api_*'] } });
const metrics = prometheusMetrics(runtime.events);

const off = runtime.events.on('variable.updated', ({ name, oldValue, value }) => {
  console.log(`${name}: ${String(oldValue)} -> ${String(value)}`);
});

const session = await runtime.sessions.start();
await session.registerMany([
  { name: 'temperature', type: 'float', initialValue: 0.7 },
  { name: 'api_key', type: 'string', initialValue: 'hush' },
]);
await session.set('temperature', 0.9, { source: 'tuning' });
await session.set('api_key', 'hush hush');
off();

const [, before] = session.audit({ limit: 2 });
console.log(before?.action, before?.variable, before?.source, before?.oldValue, before?.newValue);
console.log(metrics.text().match(/^coilyard_variable_updated_total.*$/m)?.[0]);

await runtime.stop();
