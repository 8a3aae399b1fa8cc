import { execFile } from 'node:child_process';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { credentials } from '@grpc/grpc-js';
import { expect, test } from 'vitest';
import { WorkersClient } from '../../src/gen/coilyard/v1/workers.js';
import { CoilyardError } from '../../src/kernel/errors.js';
import { Tensor } from '../../src/variables/tensor.js';
import { decodeValue } from '../../src/wire/value.js';
import { findInterpreter, findPackageRoot } from '../../src/workers/interpreter.js';
import { ask, refusal, values } from '../support/gateway-host.js';
import { aPythonRuntime, type PythonHouse } from '../support/python-runtime.js';

const aRequest = { requestId: '', sessionId: '', pool: '', idempotent: false, arguments: values({}) };

const packageRoot = findPackageRoot();

/** Runs a program with the Python SDK and gives what it printed. */
async function runClient(program: string, ...args: readonly string[]): Promise<string> {
  const { command } = findInterpreter(undefined, { env: process.env, cwd: packageRoot, packageRoot });
  const env = { ...process.env, PYTHONPATH: join(packageRoot, 'python', 'src') };
  const { stdout } = await promisify(execFile)(command, ['-c', program, ...args], { env });
  return stdout;
}

/** Arguments for a tool that calls this TypeScript function. */
const asking = (tool: string, name: string) => (tool === 'ask' ? { name, arguments: {} } : { name });

async function aClient(house: PythonHouse) {
  const { address } = await house.runtime.gateway.start();
  const client = new WorkersClient(address, credentials.createInsecure(), { 'grpc.use_local_subchannel_pool': 1 });
  return Object.assign(client, {
    [Symbol.asyncDispose]: async () => client.close(),
  });
}

test('Python calls a TypeScript function on behalf of its session, and gets what it returns', async () => {
  await using house = await aPythonRuntime();
  const session = await house.runtime.sessions.start({ id: 'asker' });
  house.runtime.tools.register('where', ({ n }, context) => ({
    n,
    session: context.session?.id,
    by: context.workerId,
  }));
  const outcome = await house.python.call('ask', { name: 'where', arguments: { n: 1 } }, { session });
  expect(outcome).toEqual({ result: { n: 1, session: 'asker', by: 'default-0' } });
  await expect(house.python.call('ask_from_thread', { name: 'where' }, { session })).resolves.toMatchObject({
    session: 'asker',
  });
});

test('arrays are tensors wherever TypeScript gets them from Python', async () => {
  await using house = await aPythonRuntime();
  const session = await house.runtime.sessions.start();
  const given: unknown[] = [];
  house.runtime.tools.register('take', ({ array }) => {
    given.push(array);
    return array;
  });
  const array = new Tensor('float32', [1, 2], Float32Array.of(0.5, 4));
  given.push(await house.python.call('doubled', { name: 'take', array }, { session }));
  const twice = new Tensor('float32', [1, 2], Float32Array.of(1, 8));
  expect(given.map((found) => found instanceof Tensor && found.equals(twice))).toEqual([true, true]);
});

test.each(['ask', 'ask_from_thread'])(
  'a pool of one worker serves what it waits for itself: Python, TypeScript, Python, … (%s)',
  async (tool) => {
    await using house = await aPythonRuntime({ size: 1, timeoutMs: 120_000 });
    const session = await house.runtime.sessions.start();
    const again = () => house.python.call(tool, asking(tool, 'back'), { session });
    let depth = 0;
    house.runtime.tools.register('back', async () => {
      depth += 1;
      return depth < 5 ? again() : house.python.call('add', { a: 1, b: 2 });
    });
    const innermost = (found: unknown): unknown =>
      typeof found === 'number' ? found : innermost(Object(found).result);
    await expect(again().then(innermost)).resolves.toBe(3);
    expect(depth).toBe(5);
    expect(house.python.workers()).toMatchObject([{ incarnation: 1, load: 0 }]);
  },
);

test.each(['ask', 'ask_from_thread'])(
  'a call that waits for TypeScript ends when it is cancelled (%s)',
  async (tool) => {
    await using house = await aPythonRuntime({ size: 1 });
    const session = await house.runtime.sessions.start();
    const signals: AbortSignal[] = [];
    house.runtime.tools.register('hang', (_args, { signal }) => {
      signals.push(signal);
      return new Promise(() => {});
    });
    const caller = new AbortController();
    const call = house.python.call(tool, asking(tool, 'hang'), { session, signal: caller.signal });
    const refused = expect(call).rejects.toMatchObject({ code: 'cancelled' });
    await expect.poll(() => signals.length).toBe(1);
    caller.abort();
    await refused;
    await expect(house.python.call('add', { a: 1, b: 2 }, { timeoutMs: 120_000 })).resolves.toBe(3);
    expect(signals.map(({ aborted }) => aborted)).toEqual([true]);
  },
);

test('a plain function works on its session from loops of its own', async () => {
  await using house = await aPythonRuntime({ size: 1 });
  for (const id of ['first', 'second']) {
    const session = await house.runtime.sessions.start({ id });
    await session.register('x', 'float', 1.5);
    await expect(house.python.call('use_session_in_thread', {}, { session, timeoutMs: 120_000 })).resolves.toEqual({
      rounds: [
        [1.5, 2.5, 2.5],
        [2.5, 3.5, 3.5],
      ],
      cached: 3.5,
      id,
      is_context: true,
    });
  }
});

test('a plain function that asks for the session of the synchronous SDK waits for its methods', async () => {
  await using house = await aPythonRuntime({ size: 1 });
  const session = await house.runtime.sessions.start();
  await session.register('x', 'float', 1.5);
  house.runtime.tools.register('back', () => house.python.call('add', { a: 1, b: 2 }));
  const outcome = house.python.call('use_session_without_await', {}, { session, timeoutMs: 120_000 });
  await expect(outcome).resolves.toEqual({ values: [1.5, 2.5, 2.5], back: 3 });
});

test('what a TypeScript function throws is raised in Python with its message and code', async () => {
  await using house = await aPythonRuntime();
  const session = await house.runtime.sessions.start();
  house.runtime.tools.register('ours', () => {
    throw new CoilyardError('permission_denied', 'not you', { details: { permission: 'write' } });
  });
  house.runtime.tools.register('foreign', () => {
    throw new RangeError('too far');
  });
  house.runtime.tools.register('hang', () => new Promise(() => {}));
  const outcomeOf = (name: string, timeout: number | null = null) =>
    house.python.call('ask', { name, arguments: {}, timeout }, { session });
  await expect(outcomeOf('ours')).resolves.toMatchObject({
    type: 'PermissionDenied',
    code: 'permission_denied',
    message: 'not you',
    details: { permission: 'write' },
  });
  await expect(outcomeOf('foreign')).resolves.toMatchObject({
    code: 'internal',
    message: 'too far',
    details: { type: 'RangeError' },
  });
  await expect(outcomeOf('unknown')).resolves.toMatchObject({ type: 'ToolNotFound', code: 'tool_not_found' });
  await expect(outcomeOf('hang', 0.05)).resolves.toMatchObject({ type: 'DeadlineExceeded', code: 'deadline_exceeded' });
});

test('a call that is cancelled takes what it asked of TypeScript along', async () => {
  await using house = await aPythonRuntime();
  const session = await house.runtime.sessions.start();
  const stop = new AbortController();
  const aborted = new Promise<void>((resolve) => {
    house.runtime.tools.register('hang', (_args, { signal }) => {
      signal.addEventListener('abort', () => resolve());
      stop.abort();
      return new Promise(() => {});
    });
  });
  const call = house.python.call('ask', { name: 'hang', arguments: {} }, { session, signal: stop.signal });
  await expect(call).rejects.toMatchObject({ code: 'cancelled' });
  await aborted;
});

test('a hundred calls of TypeScript at the same time block neither side', async () => {
  await using house = await aPythonRuntime({ concurrency: 100 });
  const session = await house.runtime.sessions.start();
  let waiting = 0;
  let release = (): void => {};
  const all = new Promise<void>((resolve) => {
    release = resolve;
  });
  house.runtime.tools.register('meet', async ({ n }) => {
    waiting += 1;
    if (waiting === 100) release();
    await all;
    return n;
  });
  const calls = Array.from({ length: 100 }, (_, n) =>
    house.python.call('ask', { name: 'meet', arguments: { n } }, { session }),
  );
  await expect(Promise.all(calls)).resolves.toEqual(Array.from({ length: 100 }, (_, n) => ({ result: n })));
});

test('the variables that a tool asks for are its session’s committed values, unless the caller gives others', async () => {
  await using house = await aPythonRuntime();
  const session = await house.runtime.sessions.start();
  await session.register('temperature', 'float', 1);
  const sample = (args: Record<string, unknown>) => house.python.call('sample', args, { session });
  await expect(sample({ prompt: 'a' })).resolves.toEqual({ prompt: 'a', temperature: 1, style: 'plain' });
  await session.set('temperature', 0.25);
  await session.register('style', 'string', 'terse');
  await expect(sample({ prompt: 'b' })).resolves.toEqual({ prompt: 'b', temperature: 0.25, style: 'terse' });
  await expect(sample({ prompt: 'c', temperature: 0.5 })).resolves.toMatchObject({ temperature: 0.5 });
  await expect(house.python.call('sample', { prompt: 'd' })).rejects.toMatchObject({
    code: 'variable_not_found',
    details: { name: 'temperature' },
  });
  const spec = house.python.tools().find(({ name }) => name === 'sample');
  expect(spec?.variables).toEqual(['temperature', 'style']);
  expect(Object.keys(JSON.parse(spec?.parametersSchema ?? '{}').properties)).toEqual(['prompt']);
});

test('progress and logs of a call reach its caller from a thread, before its result', async () => {
  await using house = await aPythonRuntime();
  const heard: unknown[] = [];
  const onProgress = (progress: unknown): unknown => heard.push(progress);
  const onLog = (entry: unknown): unknown => heard.push(entry);
  await expect(house.python.call('report', { steps: 2 }, { onProgress, onLog })).resolves.toBe('done');
  expect(heard).toEqual([
    { fraction: 0.5, message: 'step 1' },
    { level: 'info', logger: 'reports', message: 'at 1' },
    { fraction: 1, message: 'step 2' },
    { level: 'info', logger: 'reports', message: 'at 2' },
  ]);
});

test('any gRPC client lists the tools of both languages and calls them', async () => {
  await using house = await aPythonRuntime();
  await using client = await aClient(house);
  house.runtime.tools.register('now', () => 42, { description: 'A number', parameters: { type: 'object' } });
  await house.ready(1);
  const { tools } = await ask(client.listTools.bind(client), { pool: '' });
  expect(tools.find(({ tool }) => tool?.name === 'now')).toMatchObject({ pool: '', tool: { description: 'A number' } });
  expect(tools.find(({ tool }) => tool?.name === 'add')).toMatchObject({ pool: 'default' });
  const call = async (name: string, args: Record<string, unknown>, more = {}) => {
    const request = { ...aRequest, name, arguments: values(args), ...more };
    return decodeValue((await ask(client.callTool.bind(client), request)).result, 'result').value;
  };
  await expect(call('now', {})).resolves.toBe(42);
  await expect(call('add', { a: 1, b: 2 })).resolves.toBe(3);
  const session = await house.runtime.sessions.start({ id: 'by-client' });
  await session.register('temperature', 'float', 2);
  await expect(call('sample', { prompt: 'x' }, { sessionId: 'by-client' })).resolves.toMatchObject({ temperature: 2 });
});

test('the Python SDK calls tools of both languages for a session, with and without await', async () => {
  await using house = await aPythonRuntime();
  const { address } = await house.runtime.gateway.start();
  house.runtime.tools.register('double', ({ n }, { session }) => [Number(n) * 2, session?.id]);
  house.runtime.tools.register('refuse', () => {
    throw new CoilyardError('permission_denied', 'not you');
  });
  await house.ready(1);
  const printed = await runClient(
    `
import asyncio, json, sys, coilyard
async def main(address):
    async with coilyard.connect(address) as client:
        session = await client.create_session("client")
        await session.register_variable("temperature", "float", 0.5)
        seen = [await session.call("double", n=2), await session.call("add", a=1, b=2)]
        seen.append((await session.call("sample", prompt="x"))["temperature"])
        try:
            await session.call("refuse")
        except PermissionError as error:
            seen.append([error.code, str(error)])
        try:
            await session.call_tool("wait", {"seconds": 60}, timeout=0.2)
        except TimeoutError as error:
            seen.append(error.code)
        tools = {tool.name: tool for tool in await session.list_tools()}
        seen.append([tools["double"].pool, tools["add"].pool, list(tools["sample"].variables)])
        return seen
seen = asyncio.run(main(sys.argv[1]))
with coilyard.sync.connect(sys.argv[1]) as client:
    seen.append(client.session("client").call("double", n=4))
print(json.dumps(seen))
`,
    address,
  );
  expect(JSON.parse(printed)).toEqual([
    [4, 'client'],
    3,
    0.5,
    ['permission_denied', 'not you'],
    'deadline_exceeded',
    [null, 'default', ['temperature', 'style']],
    [8, 'client'],
  ]);
});

test('a call over the gateway fails with the error of the tool, and ends with its deadline', async () => {
  await using house = await aPythonRuntime();
  await using client = await aClient(house);
  await house.ready(1);
  const call = (name: string, args: Record<string, unknown>, timeoutMs?: number) =>
    refusal(
      ask(
        client.callTool.bind(client),
        { ...aRequest, name, arguments: values(args) },
        timeoutMs === undefined ? {} : { timeoutMs },
      ),
    );
  expect((await call('fail', { message: 'no' })).error).toMatchObject({ code: 'python_error', execution: 'done' });
  expect((await call('unknown', {})).error).toMatchObject({ code: 'tool_not_found' });
  expect((await call('', {})).error).toMatchObject({ code: 'invalid_argument' });
  expect(await call('wait', { seconds: 60 }, 200)).toMatchObject({ grpc: 4 });
});
