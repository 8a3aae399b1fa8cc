/**
 * Requests outside of any session that were answered lately: the same id gets the same answer, and has its effect once.
 * Kept in this process and bounded in number; requests inside a session are remembered by the session itself.
 */

export class RecentRequests<Answer> {
  readonly #answers = new Map<string, Promise<Answer>>();
  readonly #limit: number;

  constructor(limit: number) {
    this.#limit = limit;
  }

  /** Without an id every request is carried out; one that failed may be tried again. */
  once(requestId: string | undefined, carryOut: () => Promise<Answer>): Promise<Answer> {
    if (requestId === undefined) return carryOut();
    const earlier = this.#answers.get(requestId);
    if (earlier !== undefined) return earlier;
    const answer = carryOut();
    this.#answers.set(requestId, answer);
    answer.catch(() => {
      if (this.#answers.get(requestId) === answer) this.#answers.delete(requestId);
    });
    this.#dropOldest();
    return answer;
  }

  #dropOldest(): void {
    for (const oldest of this.#answers.keys()) {
      if (this.#answers.size <= this.#limit) return;
      this.#answers.delete(oldest);
    }
  }
}
