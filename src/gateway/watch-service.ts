/** `Variables.Watch`: a watcher of the session, emptied as fast as the reader reads. */

import type { handleServerStreamingCall } from '@grpc/grpc-js';
import { type Position, VariablesService, type WatchRequest } from '../gen/coilyard/v1/variables.js';
import { CoilyardError, type ErrorCode } from '../kernel/errors.js';
import type { WatchEnd, Watcher, WatchOptions } from '../sessions/handle.js';
import { boundedList, filledText, safeCount } from '../wire/fields.js';
import { findSession } from './caller.js';
import type { GatewayContext } from './context.js';
import { serverStream, type StreamSource } from './server-stream.js';
import { WatchEncoder } from './watch-encoder.js';

export function watchRoute(context: GatewayContext): handleServerStreamingCall<Buffer, Buffer> {
  const { maxSendBytes, maxCarriedBytes, maxBatch } = context.limits;
  const encoder = new WatchEncoder({ maxMessageBytes: maxSendBytes, maxUpdateBytes: maxCarriedBytes });
  return serverStream(context, VariablesService.watch, async (request, caller) => {
    const session = await findSession(context, request.sessionId, caller);
    const watcher = session.openWatch(decodeOptions(request, maxBatch));
    return new WatchSource(watcher, encoder, request.pieces ?? false);
  });
}

function decodeOptions(request: WatchRequest, maxBatch: number): WatchOptions {
  const { variables, pattern, includeInitial, after, coalesce, includeSettings } = request;
  return {
    variables: boundedList(variables, 'variables', maxBatch).map((variable, index) =>
      filledText(variable, `variables[${index}]`),
    ),
    ...(pattern === '' ? {} : { pattern }),
    includeInitial,
    ...(after === undefined ? {} : { after: decodePosition(after) }),
    coalesce,
    includeSettings,
  };
}

function decodePosition({ revision, tag }: Position): NonNullable<WatchOptions['after']> {
  return { revision: safeCount(revision, 'after.revision'), ...(tag === '' ? {} : { tag }) };
}

class WatchSource implements StreamSource {
  readonly #watcher: Watcher;
  readonly #encoder: WatchEncoder;
  /** Whether the reader puts pieces together. */
  readonly #pieces: boolean;
  /** Messages of the batch in hand that are still to be written. */
  #waiting: Iterator<Buffer, void> | undefined;

  constructor(watcher: Watcher, encoder: WatchEncoder, pieces: boolean) {
    this.#watcher = watcher;
    this.#encoder = encoder;
    this.#pieces = pieces;
  }

  next(): Buffer | undefined {
    return this.#nextOfBatch() ?? this.#nextBatch();
  }

  onReady(wake: () => void): void {
    this.#watcher.onReady(wake);
  }

  get ended(): CoilyardError | undefined {
    const { ended } = this.#watcher;
    return ended === undefined ? undefined : reasonOf(ended);
  }

  close(): void {
    this.#waiting = undefined;
    this.#watcher.close();
  }

  #nextBatch(): Buffer | undefined {
    const batch = this.#watcher.take();
    if (batch === undefined) return undefined;
    this.#waiting = this.#encoder.encode(batch, this.#pieces);
    return this.#nextOfBatch();
  }

  #nextOfBatch(): Buffer | undefined {
    const next = this.#waiting?.next();
    if (next === undefined || next.done === true) {
      this.#waiting = undefined;
      return undefined;
    }
    return next.value;
  }
}

const endings = {
  session_stopped: ['session_not_found', 'the session was stopped'],
  session_expired: ['session_expired', 'the session has expired'],
  variable_deleted: ['variable_not_found', 'the watched variables were deleted'],
  runtime_stopped: ['store_unavailable', 'the runtime is stopping'],
} as const satisfies Record<WatchEnd, readonly [ErrorCode, string]>;

function reasonOf(end: WatchEnd): CoilyardError {
  const [code, message] = endings[end];
  return new CoilyardError(code, message, { execution: 'not_started', details: { reason: end } });
}
