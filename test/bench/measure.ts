/** Rates as medians of several rounds, printed beside the baseline of the same run. */

import { spawn } from 'node:child_process';
import { constants, cpus, setPriority } from 'node:os';

const ROUNDS = 5;

/** Operations per second: the median of some rounds, after one to warm up. */
export async function perSecond(
  count: number,
  run: (count: number) => unknown,
  rounds: number = ROUNDS,
): Promise<number> {
  if (rounds > 1) await run(Math.min(count, Math.ceil(count / 4)));
  const rates: number[] = [];
  for (let round = 0; round < rounds; round += 1) {
    const startedAtMs = performance.now();
    await run(count);
    rates.push((count * 1000) / (performance.now() - startedAtMs));
  }
  return rates.sort((a, b) => a - b)[Math.floor(rounds / 2)] ?? Number.NaN;
}

/** Nanoseconds of processor time per operation, helpers of the engine included: the least of some rounds. */
export async function cpuNsEach(
  count: number,
  run: (count: number) => unknown,
  rounds: number = ROUNDS,
): Promise<number> {
  if (rounds > 1) await run(Math.ceil(count / 4));
  let least = Number.POSITIVE_INFINITY;
  for (let round = 0; round < rounds; round += 1) {
    const before = process.cpuUsage();
    await run(count);
    const { user, system } = process.cpuUsage(before);
    least = Math.min(least, ((user + system) * 1000) / count);
  }
  return least;
}

export function row(name: string, rate: number, baseline?: { readonly name: string; readonly rate: number }): void {
  const ratio = baseline === undefined ? '' : `  ${(rate / baseline.rate).toFixed(3)} of ${baseline.name}`;
  console.log(`${name.padEnd(60)} ${formatRate(rate).padStart(12)}${ratio}`);
}

const formatRate = (rate: number): string =>
  rate >= 1e6
    ? `${(rate / 1e6).toFixed(2)} M/s`
    : rate >= 1e3
      ? `${(rate / 1e3).toFixed(1)} k/s`
      : `${rate.toFixed(1)} /s`;

/**
 * Keeps the cores awake until it is taken back: a core that sleeps between two messages takes longer to wake than the message
 * takes, for one of two processes and not for the other as it happens. What spins gives way to everything else.
 */
export function keepCoresAwake(): () => void {
  const spinners = cpus().map(() => spawn(process.execPath, ['-e', 'for(;;);'], { stdio: 'ignore' }));
  for (const { pid } of spinners) if (pid !== undefined) setPriority(pid, constants.priority.PRIORITY_LOW);
  const stop = (): void => {
    process.off('exit', stop);
    for (const spinner of spinners) spinner.kill('SIGKILL');
  };
  process.once('exit', stop);
  return stop;
}
