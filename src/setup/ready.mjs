/** Everything that has to be there before anything of ours can run. What is there already costs a second to look at. */

import { ensureBuild } from './build.mjs';
import { withLock } from './lock.mjs';
import { ensureNodePackages } from './node-packages.mjs';
import { ensurePython } from './python.mjs';

/** Extras of the Python package that running needs, and that work on this repository needs. */
export const RUNNING = ['dspy'];
export const DEVELOPING = ['dev', 'dspy'];

/** @param {readonly string[]} extras */
export function makeReady(extras) {
  return withLock(async () => {
    await installAll(extras);
    await ensureBuild();
  });
}

/**
 * Without the build, for what does not need it or looks at the sources first.
 *
 * @param {readonly string[]} extras
 */
export function makeToolsReady(extras) {
  return withLock(() => installAll(extras));
}

export function makeBuildReady() {
  return withLock(ensureBuild);
}

/** @param {readonly string[]} extras */
async function installAll(extras) {
  await ensureNodePackages();
  await ensurePython(extras);
}
