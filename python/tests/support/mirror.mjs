/**
 * The other language: a runtime whose session answers each variable `in_…` with one `out_…` of the same type and value,
 * and says in the metadata of each write what the value is to it. Prints its address; ends with its standard input.
 */

import { startRuntime } from '../../../dist/src/index.js';

const hexOfDouble = (number) => {
  const bytes = Buffer.alloc(8);
  bytes.writeDoubleBE(number);
  return Number.isNaN(number) ? 'nan' : bytes.toString('hex');
};
const hexOfText = (text) => Buffer.from(text, 'utf8').toString('hex');

/** A text that says exactly what the value is; `spelling.py` writes the same. */
function spell(value, type) {
  if (value === null || typeof value === 'boolean') return String(value);
  if (typeof value === 'string') return `t${hexOfText(value)}`;
  if (typeof value === 'bigint') return `i${value}`;
  if (typeof value === 'number') return type === 'integer' ? `i${value}` : `f${hexOfDouble(value)}`;
  if (Array.isArray(value)) return `[${value.map((item) => spell(item)).join(',')}]`;
  if (typeof value.toBytes === 'function')
    return `${value.dtype}(${value.shape.join(',')})${Buffer.from(value.toBytes()).toString('hex')}`;
  const entries = Object.keys(value).map((key) => `${hexOfText(key)}:${spell(value[key])}`);
  return `{${entries.sort().join(',')}}`;
}

const runtime = await startRuntime({ python: false });
const session = await runtime.sessions.start({ id: 'mirror' });
const { address } = await runtime.gateway.start();
process.stdin.on('end', () => void runtime.stop());
process.stdin.resume();
console.log(address);

for await (const update of session.watch([], { pattern: 'in_*' })) {
  if (update.type === 'deleted') continue;
  const { name, type, value, version, constraints } = session.variable(update.name);
  const out = name.replace('in_', 'out_');
  const metadata = { spelled: spell(value, type), heard: spell(update.value, type), of: version };
  if (update.type === 'registered') await session.register(out, type, session.get(name), { constraints, metadata });
  else await session.set(out, session.get(name), { metadata });
}
