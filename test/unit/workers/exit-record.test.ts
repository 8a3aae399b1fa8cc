import { expect, test } from 'vitest';
import { causeOf, type ExitCause, isDeadly, type Symptoms } from '../../../src/workers/exit-record.js';
import { counterFiles } from '../../../src/workers/memory.js';
import { Harness, never, settle, watch } from './harness.js';

const fine: Symptoms = {
  signal: null,
  code: null,
  stderr: [],
  verdict: undefined,
  wasDraining: false,
  residentBytes: 0,
  memoryBytes: 1_000,
  sawMemoryKill: undefined,
};

test.each<[string, Partial<Symptoms>, ExitCause]>([
  ['an exit with 0 that was announced', { code: 0, wasDraining: true }, 'drained'],
  ['an exit with 0 out of the blue', { code: 0 }, 'exited'],
  ['an exit with another code', { code: 3 }, 'exited'],
  ['an exit after a MemoryError', { code: 1, stderr: ['Traceback', 'MemoryError'] }, 'out_of_memory'],
  ['SIGKILL when the kernel has just killed for memory', { signal: 'SIGKILL', sawMemoryKill: true }, 'out_of_memory'],
  ['SIGKILL of one that held most of the memory', { signal: 'SIGKILL', residentBytes: 501 }, 'out_of_memory'],
  [
    'SIGKILL of such a one where the kernel counts and has not killed',
    { signal: 'SIGKILL', residentBytes: 501, sawMemoryKill: false },
    'killed',
  ],
  ['SIGKILL of a slim one', { signal: 'SIGKILL', residentBytes: 499 }, 'killed'],
  ['the exit code that a shell gives to SIGKILL', { code: 137 }, 'killed'],
  ['SIGSEGV', { signal: 'SIGSEGV' }, 'segmentation_fault'],
  ['SIGBUS', { signal: 'SIGBUS' }, 'segmentation_fault'],
  ['SIGABRT', { signal: 'SIGABRT' }, 'aborted'],
  [
    'SIGABRT because C++ got no memory',
    {
      signal: 'SIGABRT',
      stderr: ["terminate called after throwing an instance of 'std::bad_alloc'", 'Current thread'],
    },
    'out_of_memory',
  ],
  ['the exit code of a worker that is out of memory', { code: 112 }, 'out_of_memory'],
  ['the exit code that a shell gives to SIGSEGV', { code: 139 }, 'segmentation_fault'],
  ['the exit code that a shell gives to SIGABRT', { code: 134 }, 'aborted'],
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

test('a worker that a call ends with 0 has exited; one that was asked to end from outside has drained', async () => {
  const house = new Harness({ tools: { work: never } }, { size: 2 });
  const [first, second] = await house.start();
  const call = watch(house.call('work'));
  await settle();
  first?.exit({ code: 0 });
  second?.send({ type: 'draining' });
  await settle();
  second?.exit({ code: 0 });
  await house.clock.advance(1_000);
  expect(call.outcome()).toMatchObject({ error: { code: 'worker_lost' } });
  expect(house.eventsOf('worker.exited').map(({ cause }) => cause)).toEqual(['exited', 'drained']);
});

test('a worker that hangs is asked to say where before it is killed', async () => {
  const house = new Harness({ beats: false }, { size: 1 });
  await house.start();
  await house.clock.advance(60_000);
  expect(house.eventsOf('worker.exited')).toMatchObject([{ cause: 'hung', signal: 'SIGABRT' }]);
});

test('a kill of the kernel explains one death, of a worker that was alive before it', async () => {
  const house = new Harness({ tools: { work: never } }, { size: 4 });
  house.memoryKills = 3;
  const [first, second, third, fourth] = await house.start();
  await house.clock.advance(10_000);
  expect(house.eventsOf('worker.exited')).toEqual([]);
  house.memoryKills = 4;
  for (const worker of [first, second]) {
    worker?.exit({ signal: 'SIGKILL' });
    await settle();
  }
  // The others were heard of after that kill, twice: what was read after a death may have been said before it.
  await house.clock.advance(10_000);
  third?.exit({ signal: 'SIGKILL' });
  await settle();
  house.memoryKills = 5;
  fourth?.exit({ signal: 'SIGKILL' });
  await house.clock.advance(1_000);
  expect(house.eventsOf('worker.exited').map(({ cause }) => cause)).toEqual([
    'out_of_memory',
    'killed',
    'killed',
    'out_of_memory',
  ]);
});

test('the last sign of life of a worker that the kernel killed may be read after the kill', async () => {
  const house = new Harness({ beats: false, tools: { work: never } }, { size: 1 });
  house.memoryKills = 0;
  const [worker] = await house.start();
  const beat = { type: 'heartbeat', loopLagMs: 0, callIds: [], residentBytes: 1 } as const;
  worker?.send(beat);
  await settle();
  house.memoryKills = 1;
  worker?.send(beat);
  await settle();
  worker?.exit({ signal: 'SIGKILL' });
  await house.clock.advance(1_000);
  expect(house.eventsOf('worker.exited')).toMatchObject([{ cause: 'out_of_memory' }]);
});

test('a worker that was killed by this side is no death for memory, and leaves the kill to explain another', async () => {
  const house = new Harness({ isStubborn: true, tools: { work: never } }, { size: 2 });
  house.memoryKills = 0;
  const one = await house.pool.startWorker(undefined, 0);
  const [other] = await house.start(1);
  house.memoryKills = 1;
  one.exit({ type: 'killed' });
  await settle();
  other?.exit({ signal: 'SIGKILL' });
  await house.clock.advance(1_000);
  expect(house.eventsOf('worker.exited').map(({ cause }) => cause)).toEqual(['stopped', 'out_of_memory']);
});

test('where the kernel counts is told by the control groups of this process, old and new', () => {
  expect(counterFiles('0::/user.slice/a:b\n')).toEqual([
    '/sys/fs/cgroup/user.slice/a:b/memory.events',
    '/sys/fs/cgroup/memory.events',
    '/sys/fs/cgroup/unified/user.slice/a:b/memory.events',
    '/sys/fs/cgroup/unified/memory.events',
    '/sys/fs/cgroup/memory/memory.oom_control',
  ]);
  expect(counterFiles('5:cpu,memory:/pod/1\n3:cpuset:/x\n')).toContain(
    '/sys/fs/cgroup/memory/pod/1/memory.oom_control',
  );
  expect(counterFiles('')).toContain('/sys/fs/cgroup/memory.events');
});
