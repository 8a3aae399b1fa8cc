/** A failure of set-up: what is wrong and what mends it, in one line for the person who has to act. */
export class SetupFailure extends Error {
  /**
   * @param {string} what without a full stop
   * @param {string} remedy one sentence with its full stop
   * @param {{ detail?: string | undefined, cause?: unknown }} [more] `detail`: output worth showing, when nobody could tell what it means
   */
  constructor(what, remedy, more = {}) {
    super(`${what}. ${remedy}`, { cause: more.cause });
    this.name = 'SetupFailure';
    this.detail = more.detail;
  }
}

/** A signal ended a child that was told to stop with us. */
export class Interrupted extends Error {
  /** @param {NodeJS.Signals} signal */
  constructor(signal) {
    super(`interrupted by ${signal}`);
    this.name = 'Interrupted';
    this.signal = signal;
  }
}
