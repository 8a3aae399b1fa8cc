/** Lines of a process's output in bounded memory, whatever the process prints. */

/** Characters of a line that are kept; the rest of it is dropped and counted. */
const LONGEST_LINE = 8_192;

/** Cuts text that arrives in pieces into lines. The pieces are whole characters: decode UTF-8 before. */
export class LineSplitter {
  readonly #onLine: (line: string) => void;
  #partial = '';
  #dropped = 0;

  constructor(onLine: (line: string) => void) {
    this.#onLine = onLine;
  }

  push(text: string): void {
    let from = 0;
    for (let end = text.indexOf('\n'); end >= 0; end = text.indexOf('\n', from)) {
      this.#append(text.slice(from, end));
      this.#finish();
      from = end + 1;
    }
    this.#append(text.slice(from));
  }

  /** Hands on a last line that had no end. */
  end(): void {
    if (this.#partial !== '') this.#finish();
  }

  #append(text: string): void {
    const room = LONGEST_LINE - this.#partial.length;
    this.#partial += text.slice(0, room);
    this.#dropped += Math.max(0, text.length - room);
  }

  #finish(): void {
    const line = this.#partial.endsWith('\r') ? this.#partial.slice(0, -1) : this.#partial;
    const dropped = this.#dropped;
    this.#partial = '';
    this.#dropped = 0;
    this.#onLine(dropped === 0 ? line : `${line}… (${dropped} characters more)`);
  }
}

/** The last lines, oldest first. */
export class LastLines {
  readonly #limit: number;
  #lines: string[] = [];

  constructor(limit: number) {
    this.#limit = limit;
  }

  push(line: string): void {
    this.#lines.push(line);
    // Trimmed in batches: a shift for each line would move the whole list each time.
    if (this.#lines.length >= 2 * this.#limit) this.#lines = this.#lines.slice(-this.#limit);
  }

  snapshot(): readonly string[] {
    return this.#lines.slice(-this.#limit);
  }
}
