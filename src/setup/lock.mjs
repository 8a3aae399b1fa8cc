/** One set-up at a time in one clone: a second one waits for the first and then finds its work done. */

import { linkSync, mkdirSync, readFileSync, renameSync, rmSync, statSync, utimesSync, writeFileSync } from 'node:fs';
import { hostname } from 'node:os';
import { dirname } from 'node:path';
import process from 'node:process';
import { setTimeout as sleep } from 'node:timers/promises';
import { inRoot } from './paths.mjs';

const TOUCHED_EVERY_MS = 1000;
/** A lock that nobody touched for so long belongs to a process that is gone. */
const ABANDONED_AFTER_MS = 15_000;
const LOOKED_AT_EVERY_MS = 200;

/**
 * @template T
 * @param {() => Promise<T>} action
 * @param {string} [path]
 * @returns {Promise<T>}
 */
export async function withLock(action, path = inRoot('.cache', 'setup.lock')) {
  mkdirSync(dirname(path), { recursive: true });
  let saidSo = false;
  while (!take(path)) {
    if (!saidSo) console.log('waiting for another set-up of this clone …');
    saidSo = true;
    await sleep(LOOKED_AT_EVERY_MS);
  }
  const heartbeat = setInterval(() => touch(path), TOUCHED_EVERY_MS);
  const release = () => rmSync(path, { force: true });
  process.once('exit', release);
  try {
    return await action();
  } finally {
    clearInterval(heartbeat);
    process.off('exit', release);
    release();
  }
}

/** @param {string} path */
function touch(path) {
  try {
    utimesSync(path, new Date(), new Date());
  } catch (error) {
    if (!isCode(error, 'ENOENT')) throw error; // Somebody emptied `.cache` meanwhile.
  }
}

/** @param {string} path */
function take(path) {
  try {
    writeFileSync(path, `${process.pid} ${hostname()}`, { flag: 'wx' });
    return true;
  } catch (error) {
    if (!isCode(error, 'EEXIST')) throw error;
    if (isAbandoned(path)) removeAbandoned(path);
    return false;
  }
}

/** @param {string} path */
function isAbandoned(path) {
  try {
    if (performance.timeOrigin + performance.now() - statSync(path).mtimeMs > ABANDONED_AFTER_MS) return true;
    const [pid = '', host = ''] = readFileSync(path, 'utf8').split(' ');
    return host === hostname() && !isAlive(Number(pid));
  } catch (error) {
    if (isCode(error, 'ENOENT')) return false;
    throw error;
  }
}

/**
 * Moves it away first: of several that found it abandoned one succeeds, and a fresh lock taken by mistake is put back.
 *
 * @param {string} path
 */
function removeAbandoned(path) {
  const aside = `${path}.${process.pid}`;
  try {
    renameSync(path, aside);
    if (!isAbandoned(aside)) linkSync(aside, path);
  } catch (error) {
    if (!isCode(error, 'ENOENT') && !isCode(error, 'EEXIST')) throw error;
  } finally {
    rmSync(aside, { force: true });
  }
}

/** @param {number} pid */
function isAlive(pid) {
  try {
    process.kill(pid, 0);
    return true;
  } catch (error) {
    return isCode(error, 'EPERM');
  }
}

/**
 * @param {unknown} error
 * @param {string} code
 */
const isCode = (error, code) => error instanceof Error && 'code' in error && error.code === code;
