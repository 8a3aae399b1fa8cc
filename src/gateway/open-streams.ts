/** The streams that would otherwise stay open for ever: watches, attachments, health watches, reflection. */

import type { CoilyardError } from '../kernel/errors.js';

/** Ends one stream. Never throws. */
export type EndStream = (error: CoilyardError) => void;

export class OpenStreams {
  readonly #streams = new Set<EndStream>();
  #ended: CoilyardError | undefined;

  get size(): number {
    return this.#streams.size;
  }

  /** A stream that comes after the end is ended at once. @returns a function that forgets it; idempotent. */
  add(end: EndStream): () => void {
    if (this.#ended !== undefined) end(this.#ended);
    else this.#streams.add(end);
    return () => void this.#streams.delete(end);
  }

  endAll(error: CoilyardError): void {
    this.#ended = error;
    for (const end of [...this.#streams]) end(error);
    this.#streams.clear();
  }
}
