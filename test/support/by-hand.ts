/** A worker that a person starts, on another machine perhaps: with what the invitation says and nothing else. */

import { type ChildProcess, spawn } from 'node:child_process';
import { join } from 'node:path';
import type { WorkerInvitation } from '../../src/index.js';
import { findInterpreter, findPackageRoot } from '../../src/workers/interpreter.js';

const packageRoot = findPackageRoot();
const { command: python } = findInterpreter(undefined, { env: process.env, cwd: packageRoot, packageRoot });

export interface ByHand extends AsyncDisposable {
  readonly child: ChildProcess;
  readonly pid: number;
  /** Resolves to its exit code once it has ended. */
  readonly ended: Promise<number | null>;
  /** What it has written to stderr. */
  readonly said: string;
}

type Invited = Pick<WorkerInvitation, 'command' | 'token' | 'tokenVariable'>;

/** @param env what is set on that machine besides. */
export function byHand(
  { command, token, tokenVariable }: Invited,
  env: Readonly<Record<string, string>> = {},
  more: readonly string[] = [],
): ByHand {
  const path = ['--path', join(packageRoot, 'test', 'support', 'python')];
  const child = spawn(python, [...command.slice(1), ...path, ...more], {
    env: { ...process.env, [tokenVariable]: token, PYTHONPATH: join(packageRoot, 'python', 'src'), ...env },
    stdio: ['ignore', 'ignore', 'pipe'],
  });
  let said = '';
  child.stderr.setEncoding('utf8').on('data', (text: string) => {
    said += text;
  });
  const ended = new Promise<number | null>((resolve) => child.once('close', (code) => resolve(code)));
  return {
    child,
    pid: child.pid ?? 0,
    ended,
    get said() {
      return said;
    },
    [Symbol.asyncDispose]: async () => {
      child.kill('SIGKILL');
      await ended;
    },
  };
}
