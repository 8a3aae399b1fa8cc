import { existsSync, mkdtempSync, rmSync, utimesSync, writeFileSync } from 'node:fs';
import { hostname, tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, test, vi } from 'vitest';
import { withLock } from '../../../src/setup/lock.mjs';

let path = '';
beforeEach(() => {
  path = join(mkdtempSync(join(tmpdir(), 'coilyard-')), 'lock');
  vi.spyOn(console, 'log').mockImplementation(() => undefined);
});
afterEach(() => {
  vi.restoreAllMocks();
  rmSync(join(path, '..'), { recursive: true, force: true });
});

test('of several only one is inside at a time', async () => {
  let inside = 0;
  const most: number[] = [];
  const work = async (): Promise<void> => {
    inside += 1;
    most.push(inside);
    await new Promise((resolve) => setImmediate(resolve));
    inside -= 1;
  };
  await Promise.all([withLock(work, path), withLock(work, path), withLock(work, path)]);
  expect(most).toEqual([1, 1, 1]);
  expect(existsSync(path)).toBe(false);
});

test('the lock of a process that died is taken over', async () => {
  writeFileSync(path, `999999999 ${hostname()}`);
  expect(await withLock(async () => 'done', path)).toBe('done');
});

test('a lock that nobody has touched for long is taken over', async () => {
  writeFileSync(path, `${process.pid} another-machine`);
  utimesSync(path, 0, 0);
  expect(await withLock(async () => 'done', path)).toBe('done');
});

test('a failure gives the lock back', async () => {
  const work = async (): Promise<never> => {
    throw new Error('full disk');
  };
  await expect(withLock(work, path)).rejects.toThrow('full disk');
  expect(existsSync(path)).toBe(false);
});
