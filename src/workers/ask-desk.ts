/** Answers what the code of one worker asks of TypeScript: each ask once, as long as the worker lives and waits for it. */

import { CoilyardError, toCoilyardError } from '../kernel/errors.js';
import type { Incarnation, WorkerId } from '../kernel/ids.js';
import { err, ok, type Result } from '../kernel/result.js';
import type { AskFrame, RuntimeFrame } from '../wire/frames.js';
import type { Nesting } from './nesting.js';
import type { ToolRegistry } from './tool-registry.js';

/** Asks of one worker under way; one more is refused. */
const MOST = 1_000;

export interface AskDeskOptions {
  readonly tools: Pick<ToolRegistry, 'call'>;
  readonly who: { readonly workerId: WorkerId; readonly incarnation: Incarnation };
  readonly send: (frame: RuntimeFrame) => boolean;
  /** The TypeScript function for which the worker's call was made, if one was. */
  readonly outerOf: (callId: number) => Nesting | undefined;
}

export class AskDesk {
  readonly #options: AskDeskOptions;
  readonly #open = new Map<number, AbortController>();

  constructor(options: AskDeskOptions) {
    this.#options = options;
  }

  /** Asks that are not answered yet. */
  get size(): number {
    return this.#open.size;
  }

  ask(frame: AskFrame): void {
    const { askId } = frame;
    if (this.#open.size >= MOST || this.#open.has(askId)) {
      this.#answer(askId, err(new CoilyardError('pool_saturated', `the worker has ${MOST} calls of tools under way`)));
      return;
    }
    const asked = new AbortController();
    this.#open.set(askId, asked);
    const nesting: Nesting = {
      ...this.#options.who,
      isWaiting: () => this.#open.get(askId) === asked,
      outer: this.#options.outerOf(frame.callId),
    };
    this.#run(frame, asked.signal, nesting).then((outcome) => {
      // Cancelled meanwhile: nobody waits.
      if (this.#open.get(askId) !== asked) return;
      this.#open.delete(askId);
      this.#answer(askId, outcome);
    });
  }

  refuse(askId: number, error: CoilyardError): void {
    this.#answer(askId, err(error));
  }

  cancel(askId: number): void {
    const asked = this.#open.get(askId);
    this.#open.delete(askId);
    asked?.abort(new CoilyardError('cancelled', 'Python does not wait for the answer any more'));
  }

  /** The worker is gone: what runs on its behalf is told to stop. */
  close(): void {
    for (const askId of [...this.#open.keys()]) this.cancel(askId);
  }

  async #run(frame: AskFrame, signal: AbortSignal, nesting: Nesting): Promise<Result<unknown, CoilyardError>> {
    if (!frame.arguments.ok) return frame.arguments;
    const { name, sessionId, timeoutMs } = frame;
    const { workerId } = nesting;
    const request = { name, sessionId, timeoutMs, signal, arguments: frame.arguments.value, workerId, nesting };
    try {
      return ok((await this.#options.tools.call(request)) ?? null);
    } catch (error) {
      return err(toCoilyardError(error));
    }
  }

  #answer(askId: number, outcome: Result<unknown, CoilyardError>): void {
    try {
      this.#options.send({ type: 'answer', askId, outcome });
    } catch (error) {
      // The result has no form on the wire, or none that fits: that is the answer then.
      const { code, message, details } = toCoilyardError(error);
      const refusal = new CoilyardError(code, message, { details, execution: 'done' });
      this.#options.send({ type: 'answer', askId, outcome: err(refusal) });
    }
  }
}
