import { expect, test } from 'vitest';
import { startRuntime } from '../../src/runtime.js';
import { scriptedWorkers } from '../../src/testing/index.js';

test('a runtime runs on scripted workers, without Python', async () => {
  const launcher = scriptedWorkers({
    tools: {
      add: (args) => Number(args.get('a')) + Number(args.get('b')),
      count: async function* () {
        yield 1;
        yield 2;
      },
    },
    modules: { Predict: (inputs) => ({ answer: `about ${inputs.get('question')}` }) },
  });
  const runtime = await startRuntime({ python: { launcher } });
  await expect(runtime.python.call('add', { a: 40, b: 2 })).resolves.toBe(42);
  const chunks: unknown[] = [];
  for await (const chunk of runtime.python.stream('count')) chunks.push(chunk);
  expect(chunks).toEqual([1, 2]);
  await expect(
    runtime.python.execute({ kind: 'Predict', signature: 'question -> answer' }, { question: 'Elixir' }),
  ).resolves.toEqual({ answer: 'about Elixir' });
  await runtime.stop();
});

test('a worker in memory that dies is restarted like any other', async () => {
  const launcher = scriptedWorkers({
    tools: { die: (_args, { worker }) => worker.exit({ signal: 'SIGKILL' }), pid: (_args, { worker }) => worker.pid },
  });
  const runtime = await startRuntime({ python: { pools: { default: { size: 1 } }, launcher } });
  const first = await runtime.python.call('pid');
  await expect(runtime.python.call('die')).rejects.toMatchObject({ code: 'worker_lost', execution: 'unknown' });
  await expect(runtime.python.call('pid')).resolves.not.toBe(first);
  await runtime.stop();
});

test('a launcher that is no function is refused by name', async () => {
  const python = JSON.parse('{"launcher": "spawn"}');
  await expect(startRuntime({ python })).rejects.toMatchObject({ details: { field: 'python.launcher' } });
});
