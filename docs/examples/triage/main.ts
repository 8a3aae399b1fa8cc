/**
 * The main job: an agent on two supervised DSPy workers judges mail. While it does, its variables are changed and its
 * score moves; a worker is killed and nothing is lost.
 *
 *     node dist/docs/examples/triage/main.js [--mails N] [--trials N]
 */

import { startRuntime, systemClock } from 'coilyard';
import { readOptions } from './options.js';
import { pools } from './pools.js';
import { seconds } from './report.js';
import { story } from './story.js';
import { Terminal } from './terminal.js';

/** @returns the exit code. */
async function main(args: readonly string[]): Promise<number> {
  const clock = systemClock;
  const startedAtMs = clock.monotonicMs();
  const show = new Terminal(process.stdout, process.env);
  try {
    const options = readOptions(args, process.env);
    await using runtime = await startRuntime({ python: { pools } });
    await Promise.race([story(runtime, options, show, clock), interruption()]);
    const { killed } = await runtime.stop();
    if (killed.length > 0) throw new Error(`${killed.map(({ path }) => path).join(', ')} did not stop and was killed`);
    show.say(`\nStopped in order: done after ${seconds(clock.monotonicMs() - startedAtMs)}.`);
    return 0;
  } catch (error) {
    show.end();
    if (error instanceof Interruption) return error.exitCode;
    console.error(`triage: ${oneLine(error)}`);
    return 1;
  }
}

/** What went wrong, with the remedy where it is known. */
function oneLine(error: unknown): string {
  const text = (error instanceof Error ? error.message : String(error))
    .trim()
    .split(/\s*\n\s*/)
    .join(' / ');
  const missing = /No module named '([\w.]+)'/.exec(text)?.[1];
  return missing === undefined ? text : `${text}. \`npm start\` installs what is missing.`;
}

class Interruption extends Error {
  readonly exitCode: number;

  constructor(exitCode: number) {
    super('interrupted');
    this.exitCode = exitCode;
  }
}

/** Rejects when somebody wants the job to end before it is done; workers are stopped in order then, too. */
function interruption(): Promise<never> {
  return new Promise((_resolve, reject) => {
    process.once('SIGINT', () => reject(new Interruption(130)));
    process.once('SIGTERM', () => reject(new Interruption(143)));
    // Whoever reads along has gone: `npm start | head`.
    process.stdout.once('error', () => reject(new Interruption(141)));
  });
}

process.exitCode = await main(process.argv.slice(2));
