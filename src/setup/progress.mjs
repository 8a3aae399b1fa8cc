/** One line for each step that takes long enough to be noticed; quick ones pass without a word. */

import process from 'node:process';

const NOTICED_AFTER_MS = 1000;
const isTerminal = process.stdout.isTTY === true;

/**
 * @template T
 * @param {string} title
 * @param {() => Promise<T>} action
 * @returns {Promise<T>}
 */
export async function step(title, action) {
  const startedAtMs = performance.now();
  const seconds = () => `${((performance.now() - startedAtMs) / 1000).toFixed(0)} s`;
  let announced = false;
  const timer = setInterval(() => {
    if (isTerminal) process.stdout.write(`\r${title} … ${seconds()}`);
    else if (!announced) console.log(`${title} …`);
    announced = true;
  }, NOTICED_AFTER_MS);
  try {
    const result = await action();
    if (announced) console.log(`${isTerminal ? '\r' : ''}${title}: done in ${seconds()}`);
    return result;
  } catch (error) {
    if (announced && isTerminal) process.stdout.write('\n');
    throw error;
  } finally {
    clearInterval(timer);
  }
}
