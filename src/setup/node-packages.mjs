/** The packages of package-lock.json in node_modules. */

import { readFileSync } from 'node:fs';
import { basename } from 'node:path';
import process from 'node:process';
import { runQuiet } from './child.mjs';
import { inRoot } from './paths.mjs';
import { step } from './progress.mjs';
import { failureFrom } from './remedies.mjs';

/** Tells `prepare.mjs` that whoever installs will build afterwards. */
export const BUILD_FOLLOWS = 'COILYARD_BUILD_FOLLOWS';

/** Installs with `npm ci` unless what is installed is what the lock file says. */
export async function ensureNodePackages() {
  if (isInstalled(readLock(inRoot('package-lock.json')), readLock(inRoot('node_modules', '.package-lock.json'))))
    return;
  const flags = ['--include=dev', '--no-audit', '--no-fund', '--loglevel=error', '--fetch-retry-mintimeout=2000'];
  const { command, args } = npm(['ci', ...flags]);
  await step('Node packages (npm ci)', async () => {
    const { ok, output, log } = await runQuiet('npm-ci', command, args, {
      env: { ...process.env, [BUILD_FOLLOWS]: '1' },
    });
    // On a full disk npm has been seen to end well with half of the packages.
    if (!ok || !isUpToDate()) throw failureFrom('installing Node packages', output, log);
  });
}

const isUpToDate = () =>
  isInstalled(readLock(inRoot('package-lock.json')), readLock(inRoot('node_modules', '.package-lock.json')));

/**
 * @typedef {{ version?: string, integrity?: string, optional?: boolean, devOptional?: boolean, os?: string[], cpu?: string[] }} LockEntry
 * @typedef {Readonly<Record<string, LockEntry>>} Lock
 *
 * @param {Lock | undefined} wanted the lock file
 * @param {Lock | undefined} installed what npm has noted about node_modules; it does so last
 */
export function isInstalled(wanted, installed) {
  if (wanted === undefined || installed === undefined) return false;
  for (const [path, entry] of Object.entries(wanted)) {
    if (path === '') continue;
    const found = installed[path];
    if (found === undefined) {
      if (entry.optional || entry.devOptional) continue;
      return false;
    }
    if (found.version !== entry.version) return false;
    if (entry.integrity !== undefined && found.integrity !== entry.integrity) return false;
    // A node_modules that came from another machine has the binaries of that machine.
    if (!fits(found.os, process.platform) || !fits(found.cpu, process.arch)) return false;
  }
  return true;
}

/**
 * @param {readonly string[] | undefined} list names, or names to avoid with a leading `!`
 * @param {string} here
 */
function fits(list, here) {
  if (list === undefined) return true;
  return list.some((name) => !name.startsWith('!')) ? list.includes(here) : !list.includes(`!${here}`);
}

/**
 * @param {string} path
 * @returns {Lock | undefined}
 */
function readLock(path) {
  try {
    return JSON.parse(readFileSync(path, 'utf8')).packages;
  } catch {
    return undefined;
  }
}

/**
 * The npm that runs us, else the one on PATH.
 *
 * @param {readonly string[]} args
 */
function npm(args) {
  const path = process.env.npm_execpath;
  if (path !== undefined && basename(path) === 'npm-cli.js')
    return { command: process.execPath, args: [path, ...args] };
  return { command: process.platform === 'win32' ? 'npm.cmd' : 'npm', args };
}
