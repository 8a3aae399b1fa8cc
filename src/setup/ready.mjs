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
  return withLock(() => both(ensurePython(extras), ensureNodePackages().then(ensureBuild)));
}

/**
 * Without the build, for what does not need it or looks at the sources first.
 *
 * @param {readonly string[]} extras
 */
export function makeToolsReady(extras) {
  return withLock(() => both(ensurePython(extras), ensureNodePackages()));
}

export function makeBuildReady() {
  return withLock(ensureBuild);
}

/**
 * Downloads go on beside each other; nothing is left running when one of them fails.
 *
 * @param {Promise<void>} one
 * @param {Promise<void>} other
 */
async function both(one, other) {
  const failed = (await Promise.allSettled([one, other])).find((result) => result.status === 'rejected');
  if (failed) throw failed.reason;
}
