/**
 * Run as a child of a test: a gateway in a process of its own, so that its memory is its own too. Says its port, and does
 * what it is told.
 */

import { startDynamicSupervisor } from '../../supervisors/index.js';
import { startGateway } from '../../src/gateway/server.js';
import { systemClock, systemRandom } from '../../src/kernel/clock.js';
import { CoilyardError } from '../../src/kernel/errors.js';
import { Studies } from '../../src/optimizers/studies.js';
import { hostSessions } from './session-host.js';

const { sessions, telemetry } = hostSessions({ clock: systemClock });
const session = await sessions.start({ id: 'shared' });
await session.register('text', 'string', '');
await session.register('number', 'integer', 0);
const tree = await startDynamicSupervisor();
const tools = {
  listTools: () => [],
  callTool: () => Promise.reject(new CoilyardError('tool_not_found', 'there are no tools')),
};
const optimizers = new Studies({
  sessions,
  tools: () => tools,
  clock: systemClock,
  random: systemRandom,
  adopt: (id, start) => tree.startChild({ id, restart: 'temporary', start }),
});
await session.register('ratio', 'float', 0.5, { constraints: { min: 0, max: 1 } });
// Any number of clients may ask for its trials.
const { optimizationId } = await optimizers.start(session, ['ratio'], {
  optimizer: 'random_search',
  maxIterations: 1_000_000,
  convergenceThreshold: 0,
  parallel: 1000,
  leaseMs: 3_600_000,
});
const workers = { accept: () => ({ receive: () => {}, closed: () => {} }) };
const gateway = await startGateway({ sessions, workers, tools, optimizers, telemetry, clock: systemClock });

/** Writes in as many turns of the loop. */
async function write({ count, bytes }: { readonly count: number; readonly bytes: number }): Promise<void> {
  const filler = 'x'.repeat(bytes);
  for (let n = 1; n <= count; n += 1) {
    await session.set('text', `${n} ${filler}`);
    await new Promise(setImmediate);
  }
}

const tasks = {
  write,
  memory: () => {
    globalThis.gc?.();
    const { rss, heapUsed, external } = process.memoryUsage();
    return { rss, held: heapUsed + external, openStreams: gateway.openStreams };
  },
} as const;

process.on('message', async (message: { readonly write?: { readonly count: number; readonly bytes: number } }) => {
  const answer = message.write === undefined ? tasks.memory() : await tasks.write(message.write);
  process.send?.(answer ?? { done: true });
});
process.on('disconnect', () => process.exit());
process.send?.({ port: gateway.port, optimizationId });
