/** What `session.pin()` gives: the variables at one revision, for a run that has to see them unchanged to its end. */

import type { CoilyardError } from '../kernel/errors.js';
import { matchesGlob } from '../variables/names.js';
import type { Pin } from '../variables/pin.js';
import type { Variable } from '../variables/variable.js';
import type { ListOptions } from './session-options.js';

/** What its caller may see. */
export interface PinReader {
  /** Throws for a record that the caller may not read; gives it as users see it. */
  present(record: Variable): Variable;
  mayRead(record: Variable): boolean;
  notFound(reference: string): CoilyardError;
  /** Whether it may know that there is no such variable, so that a default takes its place. */
  readonly knowsWhatIsMissing: boolean;
}

export class SessionPin implements Disposable {
  readonly #pin: Pin;
  readonly #reader: PinReader;

  constructor(pin: Pin, reader: PinReader) {
    this.#pin = pin;
    this.#reader = reader;
  }

  /** The revision that everything here is of. */
  get revision(): number {
    return this.#pin.revision;
  }

  /** The value then, by name or id. Without a default a variable that was not there throws `variable_not_found`. */
  get(reference: string, ...missing: readonly unknown[]): unknown {
    const record = this.#find(reference);
    if (record !== undefined) return this.#reader.present(record).value;
    if (missing.length > 0 && this.#reader.knowsWhatIsMissing) return missing[0];
    throw this.#reader.notFound(reference);
  }

  variable(reference: string): Variable {
    const record = this.#find(reference);
    if (record === undefined) throw this.#reader.notFound(reference);
    return this.#reader.present(record);
  }

  /** In order of registration. */
  list(options: ListOptions = {}): Variable[] {
    this.#open();
    return this.#pin
      .records()
      .filter((record) => this.#reader.mayRead(record) && isListed(record, options))
      .map((record) => this.#reader.present(record));
  }

  /** Lets go of the values that are kept for it; idempotent. Afterwards nothing can be read. */
  release(): void {
    this.#pin.release();
  }

  [Symbol.dispose](): void {
    this.release();
  }

  #find(reference: string): Variable | undefined {
    this.#open();
    return this.#pin.resolve(reference);
  }

  #open(): void {
    if (this.#pin.released) throw new TypeError('the pin was released');
  }
}

export const isListed = (record: Variable, { type, source, pattern }: ListOptions): boolean =>
  (type === undefined || record.type === type) &&
  (source === undefined || record.source === source) &&
  (pattern === undefined || matchesGlob(pattern, record.name));
