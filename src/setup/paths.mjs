/** Where things are in a clone. */

import { join } from 'node:path';
import process from 'node:process';
import { fileURLToPath } from 'node:url';

export const root = fileURLToPath(new URL('../../', import.meta.url)).replace(/[\\/]$/, '');

/** @param {string[]} names */
export const inRoot = (...names) => join(root, ...names);

export const cacheDirectory = inRoot('.cache');
export const reportsDirectory = inRoot('.cache', 'reports');
export const venvDirectory = inRoot('.venv');
export const venvPython =
  process.platform === 'win32' ? inRoot('.venv', 'Scripts', 'python.exe') : inRoot('.venv', 'bin', 'python');

/** Programs of node_modules by the file that Node runs: no shell, so that spaces in the path do no harm. */
export const programs = {
  biome: inRoot('node_modules', '@biomejs', 'biome', 'bin', 'biome'),
  buf: inRoot('node_modules', '@bufbuild', 'buf', 'bin', 'buf'),
  depcruise: inRoot('node_modules', 'dependency-cruiser', 'bin', 'dependency-cruise.mjs'),
  tsc: inRoot('node_modules', 'typescript', 'bin', 'tsc'),
  vitest: inRoot('node_modules', 'vitest', 'vitest.mjs'),
};
