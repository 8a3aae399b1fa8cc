/** A first-in, first-out queue in a circular array that doubles when it is full: no work per element but its own. */

/** What an empty queue may keep of the memory of its longest rush. */
const KEPT_SLOTS = 1024;

export class Ring<T> {
  #slots: (T | undefined)[] = [];
  #head = 0;
  #length = 0;

  get length(): number {
    return this.#length;
  }

  push(item: T): void {
    if (this.#length === this.#slots.length) this.#grow();
    this.#slots[(this.#head + this.#length) & (this.#slots.length - 1)] = item;
    this.#length += 1;
  }

  shift(): T | undefined {
    if (this.#length === 0) return undefined;
    const item = this.#slots[this.#head];
    this.#slots[this.#head] = undefined;
    this.#head = (this.#head + 1) & (this.#slots.length - 1);
    this.#length -= 1;
    if (this.#length === 0 && this.#slots.length > KEPT_SLOTS) {
      this.#slots = [];
      this.#head = 0;
    }
    return item;
  }

  *[Symbol.iterator](): Generator<T> {
    for (let index = 0; index < this.#length; index += 1) {
      const item = this.#slots[(this.#head + index) & (this.#slots.length - 1)];
      if (item !== undefined) yield item;
    }
  }

  #grow(): void {
    const slots: (T | undefined)[] = new Array(Math.max(8, this.#slots.length * 2)).fill(undefined);
    for (let index = 0; index < this.#length; index += 1)
      slots[index] = this.#slots[(this.#head + index) & (this.#slots.length - 1)];
    this.#slots = slots;
    this.#head = 0;
  }
}
