import { spawn } from 'node:child_process';
import { chmodSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, expect, test } from 'vitest';
import { systemClock } from '../../src/kernel/clock.js';
import { incarnation, workerId } from '../../src/kernel/ids.js';
import type { Launched } from '../../src/workers/launcher.js';
import { coldSpawn } from '../../src/workers/launchers/cold-spawn.js';
import { eventually, isRunning } from '../support/processes.js';

const root = mkdtempSync(join(tmpdir(), 'coilyard-cold-spawn-'));
afterAll(() => rmSync(root, { recursive: true }));

/** A command that passes for an interpreter when it is probed, and otherwise runs the shell script in FAKE. */
const fakePython = join(root, 'python');
writeFileSync(
  fakePython,
  '#!/bin/sh\ncase "$1" in -c) echo \'{"version":[3,12,0],"missing":[]}\';; *) eval "$FAKE";; esac\n',
);
chmodSync(fakePython, 0o755);

async function launch(script: string, python = fakePython): Promise<{ launched: Launched; lines: string[] }> {
  const lines: string[] = [];
  const launched = await coldSpawn({ clock: systemClock }).launch({
    workerId: workerId('w-0'),
    incarnation: incarnation(3),
    token: 'the-secret',
    gateway: '127.0.0.1:4242',
    python,
    imports: ['my_tools', 'more'],
    paths: ['./python'],
    env: { FAKE: script },
    concurrency: 2,
    heartbeatIntervalMs: 1_500,
    onLine: (line) => lines.push(line),
  });
  return { launched, lines };
}

test('the worker module gets its order on the command line, and the token in its environment only', async () => {
  const { launched, lines } = await launch('echo "$@"; echo "token $COILYARD_WORKER_TOKEN"');
  await launched.exited;
  expect(lines).toEqual([
    '-m coilyard.worker --gateway 127.0.0.1:4242 --worker-id w-0 --incarnation 3 --concurrency 2' +
      ' --heartbeat-interval-ms 1500 --import my_tools --import more --path ./python --die-with-stdin',
    'token the-secret',
  ]);
});

test('the worker imports the SDK of this package, before anything else on its path', async () => {
  const { launched, lines } = await launch('echo "$PYTHONPATH"; echo "$PYTHONUNBUFFERED $PYTHONFAULTHANDLER"');
  await launched.exited;
  expect(lines[0]?.split(':')[0]).toBe(join(process.cwd(), 'python', 'src'));
  expect(lines[1]).toBe('1 1');
});

test('what it prints to either stream comes as lines, characters whole, and the end of stderr is kept', async () => {
  const { launched, lines } = await launch(
    "printf '\\303'; sleep 0.05; printf '\\244 one\\n'; i=0; while [ $i -lt 60 ]; do echo \"err $i\" >&2; i=$((i+1)); done",
  );
  const { stderr } = await launched.exited;
  expect(lines).toContain('ä one');
  expect(stderr).toHaveLength(50);
  expect(stderr.at(-1)).toBe('err 59');
});

test('an exit code and a signal are told apart', async () => {
  await expect((await launch('exit 7')).launched.exited).resolves.toMatchObject({ code: 7, signal: null });
  await expect((await launch('kill -SEGV $$')).launched.exited).resolves.toMatchObject({
    code: null,
    signal: 'SIGSEGV',
  });
});

test('a signal reaches what the worker started, too', async () => {
  const { launched, lines } = await launch('sleep 1000 & echo $!; wait');
  await eventually(() => lines.length > 0, 'the id of the grandchild');
  const grandchild = Number(lines[0]);
  expect(isRunning(grandchild)).toBe(true);
  launched.kill('SIGKILL');
  await launched.exited;
  await eventually(() => !isRunning(grandchild), 'the grandchild is gone');
  launched.kill('SIGKILL');
});

test('what a dead worker leaves behind goes with it, and its open pipes delay nothing', async () => {
  const { launched, lines } = await launch('(trap "" TERM HUP; exec sleep 1000) & echo $!; exit 3');
  await expect(launched.exited).resolves.toMatchObject({ code: 3 });
  const grandchild = Number(lines[0]);
  expect(grandchild).toBeGreaterThan(0);
  await eventually(() => !isRunning(grandchild), 'the grandchild is gone');
});

test('a killed Node takes its worker along: the death pipe ends', async () => {
  const node = spawn(
    process.execPath,
    [
      '--import',
      './test/support/run-typescript.mjs',
      './test/support/launch-and-wait.ts',
      fakePython,
      'cat >/dev/null',
    ],
    { stdio: ['ignore', 'pipe', 'inherit'] },
  );
  let printed = '';
  node.stdout.setEncoding('utf8').on('data', (text: string) => {
    printed += text;
  });
  await eventually(() => /pid \d+\n/.test(printed), 'the worker runs');
  const pid = Number(/pid (\d+)/.exec(printed)?.[1]);
  expect(isRunning(pid)).toBe(true);
  node.kill('SIGKILL');
  await eventually(() => !isRunning(pid), 'no worker is left');
});

test('an interpreter that does not exist is pool_unavailable at once, with the remedy', async () => {
  await expect(launch('', join(root, 'nowhere', 'python'))).rejects.toMatchObject({
    code: 'pool_unavailable',
    execution: 'not_started',
    message: expect.stringMatching(
      /nowhere\/python \(from the pool option python\) cannot be started: there is no such file\. Install Python/,
    ),
  });
});

test('a Python without the packages is pool_unavailable at once, with the command that mends it', async () => {
  const poor = join(root, 'poor');
  writeFileSync(poor, '#!/bin/sh\nexec python3 -I -S "$@"\n');
  chmodSync(poor, 0o755);
  await expect(launch('', poor)).rejects.toMatchObject({
    code: 'pool_unavailable',
    message: expect.stringContaining(`${poor} -m pip install grpcio protobuf`),
  });
});

test('a mended interpreter is found fit without a restart', async () => {
  const mended = join(root, 'mended');
  const launcher = coldSpawn({ clock: systemClock });
  const order = {
    workerId: workerId('w-0'),
    incarnation: incarnation(1),
    token: 't',
    gateway: 'h:1',
    python: mended,
    imports: [],
    paths: [],
    env: { FAKE: 'exit 0' },
    concurrency: 1,
    heartbeatIntervalMs: 1_000,
    onLine: () => {},
  };
  await expect(launcher.launch(order)).rejects.toMatchObject({ code: 'pool_unavailable' });
  writeFileSync(mended, `#!/bin/sh\nexec ${fakePython} "$@"\n`);
  chmodSync(mended, 0o755);
  await expect((await launcher.launch(order)).exited).resolves.toMatchObject({ code: 0 });
});
