/** Lines that stay, and on a terminal one more below them that is rewritten while work goes on. */

import type { WriteStream } from 'node:tty';

/** As much of a terminal as is written to. */
export type Output = Pick<WriteStream, 'write' | 'isTTY' | 'columns'>;

export class Terminal {
  readonly #out: Output;
  /** Whether a line can be rewritten. */
  readonly #live: boolean;
  readonly #colours: boolean;
  #progress = '';

  constructor(out: Output, env: NodeJS.ProcessEnv) {
    this.#out = out;
    this.#live = out.isTTY === true && env.TERM !== 'dumb';
    this.#colours = this.#live && !env.NO_COLOR;
  }

  /** A line that stays. */
  say(line = ''): void {
    this.#out.write(`${this.#erase()}${line}\n${this.#progress}`);
  }

  /** What is being done and will take a while: the rewritten line, or one that stays where nothing can be rewritten. */
  begin(what: string): void {
    if (this.#live) this.progress(what);
    else this.say(`${what} …`);
  }

  /** How far it is; only where the line can be rewritten. */
  progress(text: string): void {
    if (!this.#live) return;
    const line = text.slice(0, Math.max(0, (this.#out.columns || 80) - 1));
    this.#out.write(`${this.#erase()}${line}`);
    this.#progress = line;
  }

  /** It is done: takes the rewritten line away. */
  end(): void {
    if (this.#progress === '') return;
    this.#out.write(this.#erase());
    this.#progress = '';
  }

  bold = (text: string): string => this.#paint(text, 1);
  dim = (text: string): string => this.#paint(text, 2);
  green = (text: string): string => this.#paint(text, 32);
  red = (text: string): string => this.#paint(text, 31);

  #paint(text: string, code: number): string {
    return this.#colours ? `\u001b[${code}m${text}\u001b[0m` : text;
  }

  #erase(): string {
    return this.#progress === '' ? '' : '\r\u001b[K';
  }
}
