import { expect, test } from 'vitest';
import { causeOf, type ExitCause, isDeadly, type Symptoms } from '../../../src/workers/exit-record.js';
import { Harness, never, settle, watch } from './harness.js';

const fine: Symptoms = {
  signal: null,
  code: null,
  stderr: [],
  verdict: undefined,
  residentBytes: 0,
  memoryBytes: 1_000,
  sawMemoryKill: false,
};

test.each<[string, Partial<Symptoms>, ExitCause]>([
  ['an exit with 0', { code: 0 }, 'drained'],
  ['an exit with another code', { code: 3 }, 'exited'],
  ['an exit after a MemoryError', { code: 1, stderr: ['Traceback', 'MemoryError'] }, 'out_of_memory'],
  ['SIGKILL when the kernel has just killed for memory', { signal: 'SIGKILL', sawMemoryKill: true }, 'out_of_memory'],
  ['SIGKILL of one that held most of the memory', { signal: 'SIGKILL', residentBytes: 501 }, 'out_of_memory'],
  ['SIGKILL of a slim one', { signal: 'SIGKILL', residentBytes: 499 }, 'killed'],
  ['the exit code that a shell gives to SIGKILL', { code: 137 }, 'killed'],
  ['SIGSEGV', { signal: 'SIGSEGV' }, 'segmentation_fault'],
  ['SIGBUS', { signal: 'SIGBUS' }, 'segmentation_fault'],
  ['SIGABRT', { signal: 'SIGABRT' }, 'aborted'],
  ['SIGABRT that was to make it speak', { signal: 'SIGABRT', verdict: 'hung' }, 'hung'],
  ['SIGTERM of somebody else', { signal: 'SIGTERM' }, 'signalled'],
  ['SIGKILL after a stop', { signal: 'SIGKILL', verdict: 'stopped' }, 'stopped'],
  ['a crash in the middle of a stop', { signal: 'SIGSEGV', verdict: 'stopped' }, 'segmentation_fault'],
  ['a connection that was lost first', { signal: 'SIGKILL', verdict: 'disconnected' }, 'disconnected'],
])('%s is told by its cause', (_what, symptoms, cause) => {
  expect(causeOf({ ...fine, ...symptoms })).toBe(cause);
});

test('what somebody else did to a worker is not held against its call', () => {
  const causes: readonly ExitCause[] = [
    'killed',
    'signalled',
    'stopped',
    'disconnected',
    'drained',
    'refused_to_cancel',
  ];
  expect(causes.filter(isDeadly)).toEqual([]);
});

test('the record of a death names the last call and the memory of the last sign of life', async () => {
  const house = new Harness({ tools: { work: never } }, { size: 1 });
  const [worker] = await house.start();
  const call = watch(house.call('work'));
  await settle();
  worker?.send({ type: 'heartbeat', loopLagMs: 3, callIds: [1], residentBytes: 77 });
  await settle();
  worker?.exit({ signal: 'SIGSEGV', stderr: ['Fatal Python error: Segmentation fault'] });
  await house.clock.advance(1_000);
  expect(call.outcome()).toMatchObject({ error: { code: 'worker_lost' } });
  expect(house.eventsOf('worker.exited')).toMatchObject([
    { cause: 'segmentation_fault', signal: 'SIGSEGV', lastCall: { callId: 1, target: 'work' }, residentBytes: 77 },
  ]);
});

test('a worker that hangs is asked to say where before it is killed', async () => {
  const house = new Harness({ beats: false }, { size: 1 });
  await house.start();
  await house.clock.advance(60_000);
  expect(house.eventsOf('worker.exited')).toMatchObject([{ cause: 'hung', signal: 'SIGABRT' }]);
});
