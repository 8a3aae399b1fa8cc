import { execFile } from 'node:child_process';
import { promisify } from 'node:util';
import { CoilyardError, defineAgent, formatTree, startRuntime, variable } from 'coilyard';
import { scriptedWorkers } from 'coilyard/testing';
import { expect, test } from 'vitest';

test('a runtime starts nothing that was not asked for', async () => {
  await using runtime = await startRuntime();
  expect(formatTree(runtime.tree())).toBe(
    'runtime  rest_for_one\n├─ store\n├─ sessions  dynamic\n└─ optimizers  dynamic',
  );
});

test('sessions, the gateway and their places are seen in the tree', async () => {
  await using runtime = await startRuntime();
  await runtime.sessions.start({ id: 's1' });
  await runtime.gateway.start();
  expect(formatTree(runtime.tree())).toBe(
    'runtime  rest_for_one\n├─ store\n├─ sessions  dynamic\n│  └─ session:s1\n├─ optimizers  dynamic\n└─ gateway',
  );
});

test('two runtimes of one process do not know of each other', async () => {
  await using first = await startRuntime();
  await using second = await startRuntime();
  const session = await first.sessions.start({ id: 'mine' });
  await session.register('x', 'integer', 1);
  await expect(second.sessions.find('mine')).rejects.toMatchObject({ code: 'session_not_found' });
  const [a, b] = await Promise.all([first.gateway.start(), second.gateway.start()]);
  expect(a.port).not.toBe(b.port);
  await first.stop();
  await expect(second.sessions.start({ id: 'theirs' })).resolves.toMatchObject({ id: 'theirs' });
});

test('starting the gateway twice gives the same address', async () => {
  await using runtime = await startRuntime();
  const [a, b] = await Promise.all([runtime.gateway.start(), runtime.gateway.start()]);
  expect(a).toEqual(b);
});

test('a gateway that is forbidden is refused by name', async () => {
  await using runtime = await startRuntime({ gateway: false });
  await expect(runtime.gateway.start()).rejects.toMatchObject({
    code: 'invalid_argument',
    details: { field: 'gateway' },
  });
});

test('a port that is taken is an error that names it, and the runtime lives on', async () => {
  await using holder = await startRuntime();
  const { port } = await holder.gateway.start();
  await using runtime = await startRuntime({ gateway: { port } });
  await expect(runtime.gateway.start()).rejects.toMatchObject({ code: 'invalid_argument', details: { port } });
  await expect(runtime.sessions.start()).resolves.toBeDefined();
});

test('stop is idempotent, resolves done, and reports what had to be killed', async () => {
  const runtime = await startRuntime();
  await runtime.sessions.start();
  const [first, second] = await Promise.all([runtime.stop(), runtime.stop()]);
  expect(first).toBe(second);
  expect(first.killed).toEqual([]);
  await expect(runtime.done).resolves.toBeUndefined();
});

test('what is asked of a stopped runtime is refused', async () => {
  const runtime = await startRuntime();
  const session = await runtime.sessions.start();
  await runtime.stop();
  await expect(session.set('x', 1)).rejects.toBeInstanceOf(CoilyardError);
  await expect(runtime.sessions.start()).rejects.toBeInstanceOf(CoilyardError);
});

test.each([
  [{ gateway: { prot: 1 } }, 'gateway.prot'],
  [{ gateway: { port: 70_000 } }, 'gateway.port'],
  [{ python: { pools: {} } }, 'python.pools'],
  [{ python: { carrier: 'pigeon' } }, 'python.carrier'],
  [{ python: { pools: { default: { size: 0 } } } }, 'pools.default.size'],
  [{ limits: { mailbox: 0 } }, 'limits.mailbox'],
  [{ limit: {} }, 'options.limit'],
  [{ store: {} }, 'store'],
  [{ logger: 5 }, 'logger'],
  [{ clock: {} }, 'clock'],
  [{ telemetry: 5 }, 'telemetry'],
])('the options %j are refused by the name of the field', async (options, field) => {
  await expect(startRuntime(options as object)).rejects.toMatchObject({ code: 'invalid_argument', details: { field } });
});

test('after stop everything answers that the runtime was stopped and that nothing was started', async () => {
  const agent = defineAgent({
    name: 'double',
    variables: { x: variable.integer(1) },
    modules: {},
    forward: async ({ variables }) => variables.x * 2,
  });
  const launcher = scriptedWorkers({ tools: { echo: () => 1 } });
  const runtime = await startRuntime({ python: { launcher } });
  const session = await runtime.sessions.start({ id: 's' });
  const running = await runtime.start(agent);
  await runtime.python.call('echo');
  await runtime.gateway.start();
  const request = { name: 'echo', arguments: new Map(), sessionId: null };
  await runtime.stop();
  const refused: Record<string, () => unknown> = {
    'sessions.start': () => runtime.sessions.start(),
    'sessions.find': () => runtime.sessions.find('s'),
    'session.set': () => session.set('x', 1),
    'session.get': () => session.get('x'),
    'session.watch': () => session.watch(),
    start: () => runtime.start(agent),
    'agent.run': () => running.run(undefined),
    'python.call': () => runtime.python.call('echo'),
    'python.stream': () => runtime.python.stream('echo').next(),
    'python.execute': () => runtime.python.execute({ name: 'Predict', args: [], options: {} } as never),
    'python.start': () => runtime.python.start(),
    'python.invite': () => runtime.python.invite(),
    'gateway.start': () => runtime.gateway.start(),
    'tools.register': () => runtime.tools.register('late', () => 1),
    'tools.callTool': () => runtime.tools.callTool(request),
    tree: () => runtime.tree(),
  };
  for (const [what, call] of Object.entries(refused))
    await expect((async () => call())(), what).rejects.toMatchObject({
      code: 'store_unavailable',
      execution: 'not_started',
      details: { reason: 'runtime_stopped' },
    });
  expect(await runtime.stop()).toMatchObject({ killed: [] });
});

test('a process whose runtime was stopped ends by itself', async () => {
  const script = `
    import { startRuntime } from './src/index.js';
    const runtime = await startRuntime();
    const session = await runtime.sessions.start({ ttlMs: 60_000 });
    await session.register('x', 'integer', 1);
    const watch = session.watch(['x']);
    await runtime.gateway.start();
    await runtime.stop();
    console.log((await watch.next()).done ?? false);
  `;
  const runner = ['--import', './test/support/run-typescript.mjs', '--input-type=module', '--eval', script];
  const { stdout } = await promisify(execFile)(process.execPath, runner, { timeout: 120_000 });
  expect(stdout.trim()).toBe('true');
});

test('a telemetry exporter hears everything from the first event and is let go after the last', async () => {
  const heard: string[] = [];
  const runtime = await startRuntime({
    telemetry: (events) => {
      const offs = [
        events.on('runtime.started', () => heard.push('started')),
        events.on('runtime.stopped', () => heard.push('stopped')),
      ];
      return () => {
        for (const off of offs) off();
        heard.push('let go');
      };
    },
  });
  await runtime.stop();
  expect(heard).toEqual(['started', 'stopped', 'let go']);
});
