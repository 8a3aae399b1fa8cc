/**
 * Where local workers dial: a name that no two runtimes share.
 *
 * On Linux it is abstract and lies in no directory, so that nothing can be left behind, however a runtime ends. Elsewhere
 * it is a file in a directory of its own, and what runtimes that died have left is removed by the next one.
 */

import { lstat, mkdtemp, readdir, rm, rmdir } from 'node:fs/promises';
import { connect } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { Clock, Random } from '../kernel/clock.js';
import { CoilyardError } from '../kernel/errors.js';

export interface LocalAddress {
  /** As the worker's command line says it: a path, or `@` and an abstract name. */
  readonly name: string;
  /** As the system calls of Node want it. */
  readonly path: string;
  /** Removes what the name left in the file system. */
  free(): Promise<void>;
}

export interface LocalAddressOptions {
  readonly clock: Clock;
  readonly random: Random;
  /** Default: `abstract` where this system has it. */
  readonly kind?: 'abstract' | 'file' | undefined;
  /** Where the directory of a file is made. Default: that of the system for temporary files. */
  readonly directory?: string | undefined;
}

/** A name of full length is the same whether trailing zeros count as part of it or not; systems disagree. */
const ABSTRACT_NAME_LENGTH = 107;
/** The least that systems allow, macOS; beyond it some cut the path off without a word. */
const MAX_PATH_BYTES = 103;
const PREFIX = 'coilyard-workers-';
const SOCKET = 'socket';
/** A directory that is younger may be one whose runtime is about to listen. */
const YOUNG_MS = 60_000;

/** Whether local workers need not dial the gateway here. */
export const hasLocalSockets = process.platform !== 'win32';

/** How Node names an abstract socket. */
export const abstractPath = (name: string): string => `\0${name.padEnd(ABSTRACT_NAME_LENGTH, '-')}`;

/** @throws CoilyardError `pool_unavailable` when the directory cannot be made or its path is too long. */
export async function newLocalAddress(options: LocalAddressOptions): Promise<LocalAddress> {
  const { clock, random, kind = process.platform === 'linux' ? 'abstract' : 'file', directory = tmpdir() } = options;
  if (kind === 'abstract') {
    const name = `${PREFIX}${random.token(16)}`;
    return { name: `@${name}`, path: abstractPath(name), free: async () => {} };
  }
  await sweep(directory, clock);
  // Nobody else may enter: mode 0700.
  const own = await mkdtemp(join(directory, PREFIX));
  const path = join(own, SOCKET);
  const free = (): Promise<void> => rm(own, { recursive: true, force: true });
  if (Buffer.byteLength(path) > MAX_PATH_BYTES) {
    await free();
    throw new CoilyardError(
      'pool_unavailable',
      `the path of a socket may have ${MAX_PATH_BYTES} bytes, and ${path} has more: point TMPDIR to a shorter directory`,
    );
  }
  return { name: path, path, free };
}

/** Removes the sockets of runtimes that were killed. One that cannot be looked at is left to somebody who can. */
async function sweep(directory: string, clock: Clock): Promise<void> {
  const entries = await readdir(directory).catch(() => []);
  await Promise.allSettled(
    entries
      .filter((entry) => entry.startsWith(PREFIX))
      .map(async (entry) => {
        const left = join(directory, entry);
        const { mtimeMs } = await lstat(left);
        const socket = join(left, SOCKET);
        if (clock.nowMs() - mtimeMs < YOUNG_MS || !(await lstat(socket)).isSocket() || !(await isDeaf(socket))) return;
        await rm(socket, { force: true });
        await rmdir(left);
      }),
  );
}

/** Whether nobody listens there; whoever does sees a stranger who says nothing and goes. */
function isDeaf(path: string): Promise<boolean> {
  return new Promise((resolve) => {
    const socket = connect(path, () => {
      socket.destroy();
      resolve(false);
    });
    socket.once('error', (error) => resolve('code' in error && error.code === 'ECONNREFUSED'));
  });
}
