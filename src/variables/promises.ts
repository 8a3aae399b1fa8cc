/** Functions of users that decide something have to answer at once. */

/** Whether a function answered with a promise. Nobody will wait for it, so its rejection is heard here and dropped. */
export function isPromise(answer: unknown): boolean {
  if (typeof answer !== 'object' || answer === null || !('then' in answer) || typeof answer.then !== 'function')
    return false;
  try {
    answer.then(undefined, () => undefined);
  } catch {
    // A thenable that throws is refused as well, by whoever asked.
  }
  return true;
}
