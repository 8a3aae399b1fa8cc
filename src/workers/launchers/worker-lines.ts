/**
 * Where forked workers bring their output. A process cannot be handed a pipe through Node, so each worker comes with two
 * lines of its own, before it runs anything, and says first whose they are.
 */

import { createServer, type Server, type Socket } from 'node:net';
import type { Clock, Random } from '../../kernel/clock.js';
import { abstractPath } from '../local-address.js';

const LONGEST_KEY = 64;
/** A worker's lines say whose they are before they do anything else; a stranger has nothing to say. */
const KEY_TIMEOUT_MS = 5_000;

export class WorkerLines {
  /** Names the socket; an abstract name lies in no directory, so nobody has to clean up after a crash. */
  readonly name: string;
  readonly #clock: Clock;
  readonly #server: Server;
  readonly #expected = new Map<string, (line: Socket) => void>();
  readonly #strangers = new Set<Socket>();

  private constructor(clock: Clock, random: Random) {
    this.#clock = clock;
    this.name = `coilyard-${random.token(16)}`;
    this.#server = createServer((line) => this.#meet(line));
  }

  static async listen(clock: Clock, random: Random): Promise<WorkerLines> {
    const lines = new WorkerLines(clock, random);
    await new Promise<void>((resolve, reject) => {
      lines.#server.once('error', reject);
      lines.#server.listen({ path: abstractPath(lines.name) }, () => {
        lines.#server.off('error', reject);
        // A line that cannot be accepted is missed by its worker's output only.
        lines.#server.on('error', () => {});
        resolve();
      });
    });
    return lines;
  }

  /** Hands the line that shows this key to `take`, once. */
  expect(key: string, take: (line: Socket) => void): void {
    this.#expected.set(key, take);
  }

  /** Nobody waits for that line any more. */
  forget(key: string): void {
    this.#expected.delete(key);
  }

  /** Accepts nobody from now on. Lines that were handed out go on. */
  close(): void {
    this.#server.close();
    for (const line of this.#strangers) line.destroy();
  }

  #meet(line: Socket): void {
    let said: Buffer = Buffer.alloc(0);
    const timer = this.#clock.setTimer(KEY_TIMEOUT_MS, () => line.destroy(), { keepAlive: false });
    const part = (): void => {
      timer.cancel();
      this.#strangers.delete(line);
      line.off('data', hear).off('close', part);
    };
    const hear = (chunk: Buffer): void => {
      said = Buffer.concat([said, chunk]);
      const end = said.indexOf('\n');
      if (end < 0 && said.length <= LONGEST_KEY) return;
      part();
      const key = said.toString('latin1', 0, Math.max(0, end));
      const take = this.#expected.get(key);
      this.#expected.delete(key);
      if (take === undefined) {
        line.destroy();
        return;
      }
      line.pause();
      if (said.length > end + 1) line.unshift(said.subarray(end + 1));
      take(line);
      line.resume();
    };
    this.#strangers.add(line);
    // Its end says all there is to say.
    line.on('error', () => {});
    line.on('close', part).on('data', hear);
  }
}
