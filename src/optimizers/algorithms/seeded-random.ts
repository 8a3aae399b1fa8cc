/**
 * Random numbers that a seed repeats: xoshiro128** (Blackman and Vigna), seeded by splitmix32. One object belongs to one
 * run; the kernel's `Random` cannot be seeded.
 */

import type { Random } from '../../kernel/clock.js';
import { type Config, readInteger } from './config.js';
import { Piece, type Work } from './work.js';

/** What a number costs, in multiplications. */
const OPERATIONS_PER_DRAW = 50;

export class SeededRandom {
  readonly #state: Uint32Array;

  constructor(seed: number) {
    // Both halves of the seed count, up to 2^53.
    let word = (seed >>> 0) ^ Math.imul(Math.floor(seed / 2 ** 32), 0x9e3779b1);
    this.#state = Uint32Array.from({ length: 4 }, () => {
      word = (word + 0x9e3779b9) | 0;
      let mixed = word ^ (word >>> 16);
      mixed = Math.imul(mixed, 0x21f0aaad);
      mixed = Math.imul(mixed ^ (mixed >>> 15), 0x735a2d97);
      return mixed ^ (mixed >>> 15);
    });
  }

  /** The 32 next bits, as a number of 0 or more. */
  bits(): number {
    // Place by place: a suggestion draws tens of thousands of numbers, and lists would leave megabytes behind.
    const state = this.#state;
    const a = state[0] ?? 0;
    const b = state[1] ?? 0;
    const e = (state[2] ?? 0) ^ a;
    const f = (state[3] ?? 0) ^ b;
    const fifth = Math.imul(b, 5);
    state[0] = a ^ f;
    state[1] = b ^ e;
    state[2] = e ^ (b << 9);
    state[3] = (f << 11) | (f >>> 21);
    return Math.imul((fifth << 7) | (fifth >>> 25), 9) >>> 0;
  }

  /** Uniform in [0, 1), with 53 bits. */
  next(): number {
    return ((this.bits() >>> 5) * 2 ** 26 + (this.bits() >>> 6)) / 2 ** 53;
  }

  /** Uniform in 0 to `count` - 1, exact at any size. `count`: 1 or more. */
  below(count: bigint): bigint {
    const words = Math.ceil(count.toString(16).length / 8);
    // What lies beyond the last whole multiple would favour the small numbers: it is drawn again.
    const total = 1n << BigInt(32 * words);
    const fair = total - (total % count);
    for (;;) {
      let drawn = 0n;
      for (let word = 0; word < words; word += 1) drawn = (drawn << 32n) | BigInt(this.bits());
      if (drawn < fair) return drawn % count;
    }
  }

  /** Standard normal (Box and Muller). */
  normal(): number {
    return Math.sqrt(-2 * Math.log(1 - this.next())) * Math.cos(2 * Math.PI * this.next());
  }

  /** The numbers 0 to `count` - 1 in a random order. */
  *permutation(count: number): Work<number[]> {
    const order: number[] = [];
    const piece = new Piece();
    while (order.length < count) {
      order.push(order.length);
      if (piece.isFullWith(1)) yield;
    }
    for (let last = count - 1; last > 0; last -= 1) {
      const other = Math.floor(this.next() * (last + 1));
      const moved = order[last] ?? 0;
      order[last] = order[other] ?? 0;
      order[other] = moved;
      if (piece.isFullWith(OPERATIONS_PER_DRAW)) yield;
    }
    return order;
  }
}

/** Random numbers from config `seed`; without one, from a number that the runtime draws. */
export function seededRandom(config: Config, random: Random): SeededRandom {
  const seed = readInteger(config, 'seed', { min: 0 });
  return new SeededRandom(seed ?? Math.floor(random.next() * 2 ** 53));
}
