import { PassThrough } from 'node:stream';
import { expect, test } from 'vitest';
import { ManualClock } from '../../../src/testing/manual-clock.js';
import { ProcessOutput } from '../../../src/workers/launchers/process-output.js';

const GRACE_MS = 200;

function anOutput(keptLines = 50) {
  const clock = new ManualClock();
  const lines: string[] = [];
  const output = new ProcessOutput(clock, 2, keptLines, (line) => lines.push(line));
  const [stdout, stderr] = [new PassThrough(), new PassThrough()];
  output.read(stdout, 'stdout');
  output.read(stderr, 'stderr');
  return { clock, lines, output, stdout, stderr };
}

test('a process that is dead is finished with once all that it wrote is read', async () => {
  const { clock, lines, output, stdout, stderr } = anOutput();
  stdout.end('out\n');
  stderr.end('err 1\nerr 2');
  await expect(output.finish()).resolves.toEqual(['err 1', 'err 2']);
  expect(lines.sort()).toEqual(['err 1', 'err 2', 'out']);
  expect(clock.pendingTimers).toBe(0);
});

test('pipes that somebody else holds open are waited for no longer than a moment', async () => {
  const { clock, output, stdout, stderr } = anOutput();
  stderr.write('last words\n');
  const finished = output.finish();
  await clock.advance(GRACE_MS);
  await expect(finished).resolves.toEqual(['last words']);
  expect([stdout, stderr].map(({ destroyed }) => destroyed)).toEqual([true, true]);
});

test('what lay ready when this process stood still is read all the same', async () => {
  const { clock, output, stderr } = anOutput();
  const finished = output.finish();
  const standStill = clock.advance(GRACE_MS);
  // The moment is over; only now the loop comes to reading.
  for (const text of ['Fatal Python error\n', '  File "tools.py", ', 'line 7\n']) {
    await new Promise((resolve) => setImmediate(resolve));
    stderr.write(text);
  }
  await standStill;
  await expect(finished).resolves.toEqual(['Fatal Python error', '  File "tools.py", line 7']);
});

test('whoever goes on writing for ever holds up nothing', async () => {
  const { clock, output, stderr } = anOutput(1);
  let isOver = false;
  const chatter = (): void => {
    if (isOver || stderr.destroyed) return;
    stderr.write('still here\n');
    setImmediate(chatter);
  };
  chatter();
  const finished = output.finish();
  await clock.advance(GRACE_MS);
  await expect(finished).resolves.toEqual(['still here']);
  isOver = true;
});
