import { expect, test } from 'vitest';
import { CoilyardError } from '../../../src/kernel/errors.js';
import { incarnation, sessionId, workerId } from '../../../src/kernel/ids.js';
import { ok } from '../../../src/kernel/result.js';
import { decodeWorkerFrame } from '../../../src/wire/worker-frame-codec.js';
import type { AnswerFrame, AskFrame, RuntimeFrame } from '../../../src/wire/frames.js';
import type { ScriptedWorker } from '../../../src/testing/scripted-worker.js';
import { AskDesk } from '../../../src/workers/ask-desk.js';
import { Harness, never, settle } from './harness.js';

const anAsk = (askId: number, name: string, changes: Partial<AskFrame> = {}): AskFrame => ({
  type: 'ask',
  askId,
  callId: 0,
  sessionId: null,
  name,
  arguments: ok(new Map()),
  ...changes,
});

const answersOf = (worker: ScriptedWorker | undefined): AnswerFrame[] =>
  (worker?.received ?? [])
    .flatMap((frame) => (frame.type === 'answer' ? [frame] : []))
    .sort((one, other) => one.askId - other.askId);

test('what Python asks is answered once, with the result or the error of the function', async () => {
  const house = new Harness();
  house.tools.register('double', ({ n }) => Number(n) * 2);
  house.tools.register('nothing', () => undefined);
  house.tools.register('refuse', () => {
    throw new CoilyardError('permission_denied', 'not you');
  });
  const [worker] = await house.start(0);
  worker?.send(anAsk(1, 'double', { arguments: ok(new Map([['n', 21]])) }));
  worker?.send(anAsk(2, 'nothing'));
  worker?.send(anAsk(3, 'refuse'));
  worker?.send(anAsk(4, 'unknown'));
  await settle();
  expect(answersOf(worker)).toMatchObject([
    { askId: 1, outcome: { value: 42 } },
    { askId: 2, outcome: { value: null } },
    { askId: 3, outcome: { error: { code: 'permission_denied', message: 'not you' } } },
    { askId: 4, outcome: { error: { code: 'tool_not_found' } } },
  ]);
});

test('a result that has no form on the wire is an error of that call, which was executed', async () => {
  const house = new Harness();
  house.tools.register('functions', () => [() => 1]);
  const [worker] = await house.start(0);
  worker?.send(anAsk(1, 'functions'));
  await settle();
  expect(answersOf(worker)).toMatchObject([{ outcome: { error: { code: 'invalid_argument', execution: 'done' } } }]);
  expect(house.pool.slots[0]?.phase).toBe('ready');
});

test('Python asks on behalf of the sessions of its calls, and of no other', async () => {
  const house = new Harness({ tools: { work: never } }, { size: 1 });
  const refused: unknown[] = [];
  house.telemetry.on('gateway.refused', (fields) => refused.push(fields));
  house.tools.register('whose', (_args, { sessionId }) => sessionId);
  const [worker] = await house.start(0);
  void house.call('work', {}, { sessionId: sessionId('own') });
  await settle();
  worker?.send(anAsk(1, 'whose', { sessionId: sessionId('own') }));
  worker?.send(anAsk(2, 'whose', { sessionId: sessionId('foreign') }));
  worker?.send({ type: 'result', callId: worker.calls[0]?.callId ?? 0, value: null });
  worker?.send(anAsk(3, 'whose', { sessionId: sessionId('own') }));
  await settle();
  expect(answersOf(worker)).toMatchObject([
    { outcome: { value: 'own' } },
    { outcome: { error: { code: 'permission_denied', details: { sessionId: 'foreign' } } } },
    { outcome: { value: 'own' } },
  ]);
  expect(refused).toEqual([
    { method: '/coilyard.v1.Workers/Attach', code: 'permission_denied', principal: 'worker:test-0' },
  ]);
});

test('arguments that cannot be read cost the ask, not the worker', async () => {
  const house = new Harness();
  house.tools.register('echo', (args) => args);
  await house.start(0);
  const value = { askId: 1n, callId: 0n, sessionId: '', name: 'echo', timeoutMs: undefined };
  const unreadable = new Map([['x', { kind: undefined }]]);
  const frame = decodeWorkerFrame({ frame: { $case: 'ask', value: { ...value, arguments: unreadable } } });
  const answers: RuntimeFrame[] = [];
  const desk = new AskDesk({
    tools: house.tools,
    who: { workerId: workerId('w'), incarnation: incarnation(1) },
    send: (answer) => answers.push(answer) > 0,
    outerOf: () => undefined,
  });
  if (frame.type === 'ask') desk.ask(frame);
  await settle();
  expect(answers).toMatchObject([{ askId: 1, outcome: { error: { code: 'invalid_argument' } } }]);
  expect(desk.size).toBe(0);
});

test('an ask that Python gave up aborts the function and is not answered', async () => {
  const house = new Harness();
  const signals: AbortSignal[] = [];
  house.tools.register('hang', (_args, { signal }) => {
    signals.push(signal);
    return never();
  });
  const [worker] = await house.start(0);
  worker?.send(anAsk(1, 'hang'));
  await settle();
  worker?.send({ type: 'ask_cancel', askId: 1 });
  await settle();
  expect(signals.map(({ aborted }) => aborted)).toEqual([true]);
  expect(answersOf(worker)).toEqual([]);
});

test('the death of a worker aborts what runs on its behalf', async () => {
  const house = new Harness();
  const signals: AbortSignal[] = [];
  house.tools.register('hang', (_args, { signal }) => {
    signals.push(signal);
    return never();
  });
  const [worker] = await house.start(0);
  worker?.send(anAsk(1, 'hang'));
  worker?.send(anAsk(2, 'hang'));
  await settle();
  worker?.exit({ signal: 'SIGKILL' });
  await settle();
  expect(signals.map(({ aborted }) => aborted)).toEqual([true, true]);
});

test('progress and log entries reach the caller of the call, in order and until it ends', async () => {
  const house = new Harness({
    tools: {
      work: (_args, { worker, frame }) => {
        worker.send({ type: 'progress', callId: frame.callId, fraction: 0.5, message: 'half' });
        worker.send({ type: 'log', callId: frame.callId, level: 'info', logger: 'x', message: 'hello' });
        worker.send({ type: 'progress', callId: frame.callId + 1, message: 'of nobody' });
        return 'done';
      },
    },
  });
  await house.start(0);
  const heard: unknown[] = [];
  const call = house.call(
    'work',
    {},
    { onProgress: (progress) => heard.push(progress), onLog: (entry) => heard.push(entry) },
  );
  await expect(call).resolves.toBe('done');
  expect(heard).toEqual([
    { fraction: 0.5, message: 'half' },
    { level: 'info', logger: 'x', message: 'hello' },
  ]);
});

test('a listener of a call that throws or rejects is not called again, and costs the call nothing', async () => {
  const warnings: string[] = [];
  const onWarning = ({ message }: Error): void => void warnings.push(message);
  process.on('warning', onWarning);
  const house = new Harness({
    tools: {
      work: async (_args, { worker, frame: { callId } }) => {
        for (const message of ['one', 'two', 'three']) {
          worker.send({ type: 'progress', callId, message });
          worker.send({ type: 'log', callId, level: 'info', logger: 'x', message });
          await settle();
        }
        return 'done';
      },
    },
  });
  await house.start(0);
  const heard: string[] = [];
  const call = house.call(
    'work',
    {},
    {
      onProgress: ({ message }) => {
        heard.push(message);
        throw new Error('no progress');
      },
      onLog: async ({ message }) => {
        heard.push(message);
        throw new Error('no log');
      },
    },
  );
  await expect(call).resolves.toBe('done');
  process.off('warning', onWarning);
  expect(heard).toEqual(['one', 'one']);
  expect(warnings).toEqual(['a listener of a call failed: no progress', 'a listener of a call failed: no log']);
});

test('the variables that a tool asks for are read when its call is sent, once and at one revision', async () => {
  const house = new Harness({ greets: false, tools: { sample: (_args, { frame }) => frame.variables } });
  const reads: (readonly string[])[] = [];
  const starting = house.start(0);
  const call = house.call(
    'sample',
    {},
    {
      readVariables: (names) => {
        reads.push(names);
        return { variables: new Map([['temperature', { value: 1, kind: 'float' }]]), revision: 7 };
      },
    },
  );
  await settle();
  expect(reads).toEqual([]);
  const [worker] = house.launcher.workers;
  const variables = ['temperature', 'style'];
  worker?.hello({ tools: [{ name: 'sample', description: '', parametersSchema: '{}', streaming: false, variables }] });
  await starting;
  await settle();
  expect(reads).toEqual([['temperature', 'style']]);
  const sent = worker?.received.find(({ type }) => type === 'call');
  expect(sent).toMatchObject({ revision: 7, variables: new Map([['temperature', { value: 1, kind: 'float' }]]) });
  void call.catch(() => {});
});

test('values that cannot be read any more fail the call, which was not started', async () => {
  const house = new Harness({ greets: false, tools: { sample: () => 1 } });
  const starting = house.start(0);
  await settle();
  const variables = ['temperature'];
  house.launcher.workers[0]?.hello({
    tools: [{ name: 'sample', description: '', parametersSchema: '{}', streaming: false, variables }],
  });
  await starting;
  const call = house.call(
    'sample',
    {},
    {
      readVariables: () => {
        throw new CoilyardError('session_expired', 'gone');
      },
    },
  );
  await expect(call).rejects.toMatchObject({ code: 'session_expired', execution: 'not_started' });
});
