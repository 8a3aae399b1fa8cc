/** One line for each step that takes long enough to be noticed; quick ones pass without a word. Steps may overlap. */

import process from 'node:process';

const NOTICED_AFTER_MS = 1000;
const CLEAR_LINE = '\r\u001b[2K';
const isTerminal = process.stdout.isTTY === true;

/** What is under way and was announced, for the one line of a terminal that keeps changing. */
const underWay = new Map();

/**
 * @template T
 * @param {string} title
 * @param {() => Promise<T>} action
 * @returns {Promise<T>}
 */
export async function step(title, action) {
  const startedAtMs = performance.now();
  const seconds = () => `${((performance.now() - startedAtMs) / 1000).toFixed(0)} s`;
  const key = Symbol(title);
  const timer = setInterval(() => {
    if (!isTerminal && !underWay.has(key)) console.log(`${title} …`);
    underWay.set(key, `${title} … ${seconds()}`);
    redraw();
  }, NOTICED_AFTER_MS);
  try {
    const result = await action();
    if (underWay.has(key)) console.log(`${isTerminal ? CLEAR_LINE : ''}${title}: done in ${seconds()}`);
    return result;
  } finally {
    clearInterval(timer);
    underWay.delete(key);
    redraw();
  }
}

function redraw() {
  if (isTerminal) process.stdout.write(CLEAR_LINE + [...underWay.values()].join('   '));
}
