/**
 * Run as a child of a test: a gateway in a process of its own, so that its memory is its own too. Says its port, and does
 * what it is told.
 */

import { startGateway } from '../../src/gateway/server.js';
import { systemClock } from '../../src/kernel/clock.js';
import { hostSessions } from './session-host.js';

const { sessions, telemetry } = hostSessions({ clock: systemClock });
const session = await sessions.start({ id: 'shared' });
await session.register('text', 'string', '');
await session.register('number', 'integer', 0);
const workers = { accept: () => ({ receive: () => {}, closed: () => {} }) };
const gateway = await startGateway({ sessions, workers, telemetry, clock: systemClock });

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
process.send?.({ port: gateway.port });
