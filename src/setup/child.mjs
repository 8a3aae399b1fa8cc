/** Child processes: quiet ones with a log, loud ones on our terminal. Signals that we get are passed on to them. */

import { spawn } from 'node:child_process';
import { createWriteStream, mkdirSync } from 'node:fs';
import { join } from 'node:path';
import process from 'node:process';
import { Interrupted } from './failure.mjs';
import { cacheDirectory, root } from './paths.mjs';

/**
 * @typedef {{ env?: NodeJS.ProcessEnv, cwd?: string }} ChildOptions
 * @typedef {{ code: number | null, signal: NodeJS.Signals | null, told: NodeJS.Signals | undefined }} Ended
 *   `told`: the last signal that was passed on
 * @typedef {{ ok: boolean, output: string, log: string }} QuietEnd
 */

/** @type {NodeJS.Signals[]} */
const PASSED_ON = ['SIGINT', 'SIGTERM', 'SIGHUP'];

/** npm passes a signal to the shell between us only, and that just dies: we are told by having another parent. */
const PARENT_LOOKED_AT_EVERY_MS = 250;

/** Output kept in memory to show or to understand; the log has all of it. */
const KEPT_CHARACTERS = 200_000;

/**
 * Runs a program on our own stdin, stdout and stderr.
 *
 * @param {string} command
 * @param {readonly string[]} args
 * @param {ChildOptions} [options]
 * @returns {Promise<Ended>}
 */
export function runLoud(command, args, options = {}) {
  return ended(spawn(command, args, { cwd: root, ...options, stdio: 'inherit' }));
}

/**
 * Runs a program without a word, to its end or until we are told to stop (`Interrupted`); what it says goes to `.cache/logs/<name>.log` and into the result.
 *
 * @param {string} name
 * @param {string} command
 * @param {readonly string[]} args
 * @param {ChildOptions} [options]
 * @returns {Promise<QuietEnd>}
 */
export async function runQuiet(name, command, args, options = {}) {
  const directory = join(cacheDirectory, 'logs');
  mkdirSync(directory, { recursive: true });
  const log = join(directory, `${name}.log`);
  const file = createWriteStream(log);
  /** @type {Error | undefined} */
  let unwritable;
  file.on('error', (error) => {
    unwritable = error;
  });
  let output = '';
  const child = spawn(command, args, { cwd: root, ...options, stdio: ['ignore', 'pipe', 'pipe'] });
  for (const stream of [child.stdout, child.stderr]) {
    stream.setEncoding('utf8');
    stream.on('data', (text) => {
      output = (output + text).slice(-KEPT_CHARACTERS);
      file.write(text);
    });
  }
  try {
    const { code, told } = await ended(child);
    if (told !== undefined) throw new Interrupted(told);
    return { ok: code === 0, output, log };
  } finally {
    await new Promise((resolve) =>
      unwritable === undefined ? file.end(() => resolve(undefined)) : resolve(undefined),
    );
  }
}

/**
 * @param {import('node:child_process').ChildProcess} child
 * @returns {Promise<Ended>} rejects when the program could not be started
 */
function ended(child) {
  return new Promise((resolve, reject) => {
    /** @type {NodeJS.Signals | undefined} */
    let told;
    const passOn = (/** @type {NodeJS.Signals} */ signal) => {
      // A terminal sends Ctrl-C to the child as well; a second one would make many programs drop everything.
      const hasItAlready = signal === 'SIGINT' && told === undefined && process.stdin.isTTY === true;
      told = signal;
      if (!hasItAlready) child.kill(signal);
    };
    const listeners = PASSED_ON.map((signal) => {
      const listener = () => passOn(signal);
      process.on(signal, listener);
      return { signal, listener };
    });
    const parent = process.ppid;
    const watch = setInterval(() => {
      if (process.ppid !== parent && told === undefined) passOn('SIGTERM');
    }, PARENT_LOOKED_AT_EVERY_MS);
    const forget = () => {
      clearInterval(watch);
      for (const { signal, listener } of listeners) process.off(signal, listener);
    };
    child.on('error', (error) => {
      forget();
      reject(error);
    });
    child.on('close', (code, signal) => {
      forget();
      resolve({ code, signal, told });
    });
  });
}
