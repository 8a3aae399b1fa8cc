/**
 * `Variables.Watch`: a watcher of the session is emptied as fast as the reader reads. One message is on its way at a
 * time; what happens meanwhile waits in the watcher, whose memory is bounded.
 */

import type { handleServerStreamingCall, ServerWritableStream } from '@grpc/grpc-js';
import { type Position, VariablesService, type WatchRequest } from '../gen/coilyard/v1/variables.js';
import { CoilyardError, type ErrorCode } from '../kernel/errors.js';
import type { WatchEnd, Watcher, WatchOptions } from '../sessions/handle.js';
import { boundedList, filledText, safeCount } from '../wire/fields.js';
import { authenticateCall, authorizeMethod, authorizeSessions, reporting } from './authorization.js';
import { callingSessionOf, findSession } from './caller.js';
import type { GatewayContext } from './context.js';
import { grpcStatusOf } from './grpc-status.js';
import { refusedToGuest } from './guests.js';
import type { Principal } from './principal.js';
import { decodeRequest } from './unary.js';
import { Turns } from './turns.js';
import { WatchEncoder } from './watch-encoder.js';

const { path } = VariablesService.watch;

type WatchCall = ServerWritableStream<Buffer, Buffer>;

export function watchRoute(context: GatewayContext): handleServerStreamingCall<Buffer, Buffer> {
  const { maxSendBytes, maxCarriedBytes } = context.limits;
  const turns = new Turns();
  const encoder = new WatchEncoder({ maxMessageBytes: maxSendBytes, maxUpdateBytes: maxCarriedBytes });
  return (call) => {
    const stream = new WatchStream(call, encoder, turns);
    const forget = context.openStreams.add((error) => stream.end(error));
    let giveBack = (): void => {};
    let stay = (): void => {};
    // Emitted once at the end of every call, whoever ended it.
    call.once('cancelled', () => {
      forget();
      giveBack();
      stay();
      stream.close();
    });
    const admitted = async (): Promise<Admitted> => {
      const principal = authenticateCall(context, path, call);
      giveBack = reporting(context, path, principal, () => context.quota.take(principal.name));
      // A worker watches no longer than it lives.
      stay = principal.doors?.whenClosed(() => stream.end(hasEnded(principal))) ?? stay;
      return openWatcher(context, call, principal, stream);
    };
    admitted().then(
      ({ watcher, pieces }) => stream.start(watcher, pieces),
      (thrown) => stream.end(thrown),
    );
  };
}

const hasEnded = ({ name }: Principal): CoilyardError => new CoilyardError('unauthenticated', `${name} has ended`);

interface Admitted {
  readonly watcher: Watcher;
  /** Whether the reader puts pieces together. */
  readonly pieces: boolean;
}

async function openWatcher(
  context: GatewayContext,
  call: WatchCall,
  principal: Principal,
  stream: WatchStream,
): Promise<Admitted> {
  authorizeMethod(context, path, principal);
  const request = decodeRequest(VariablesService.watch, call.request);
  const callingSession = callingSessionOf(call.metadata);
  const { sessionId } = request;
  if (authorizeSessions(context, path, principal, request, callingSession) === 'guest')
    stream.toldAs((error) => refusedToGuest(context, path, principal, sessionId, error));
  const session = await findSession(context, sessionId, { principal, callingSession });
  const watcher = session.openWatch(decodeOptions(request, context.limits.maxBatch));
  return { watcher, pieces: request.pieces ?? false };
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

class WatchStream {
  readonly #call: WatchCall;
  readonly #encoder: WatchEncoder;
  readonly #turns: Turns;
  #watcher: Watcher | undefined;
  #pieces = false;
  /** Messages of the batch in hand that are still to be written. */
  #waiting: Iterator<Buffer, void> | undefined;
  #state: 'open' | 'ended' = 'open';
  #told = (thrown: unknown): unknown => thrown;

  constructor(call: WatchCall, encoder: WatchEncoder, turns: Turns) {
    this.#call = call;
    this.#encoder = encoder;
    this.#turns = turns;
  }

  /** @param told what its reader is told of an end, of an error. */
  toldAs(told: (thrown: unknown) => unknown): void {
    this.#told = told;
  }

  start(watcher: Watcher, pieces: boolean): void {
    if (this.#state === 'ended') {
      watcher.close();
      return;
    }
    this.#watcher = watcher;
    this.#pieces = pieces;
    this.#pump();
  }

  /** Ends with a status that says why. Idempotent. */
  end(thrown: unknown): void {
    if (this.#state === 'ended') return;
    this.close();
    this.#call.emit('error', grpcStatusOf(this.#told(thrown)));
  }

  close(): void {
    this.#state = 'ended';
    this.#waiting = undefined;
    this.#watcher?.close();
  }

  readonly #pump = (): void => {
    const watcher = this.#watcher;
    if (this.#state === 'ended' || watcher === undefined) return;
    try {
      const message = this.#waitingMessage() ?? this.#nextMessage(watcher);
      // The callback comes once the message has gone through the reader's flow control.
      if (message !== undefined) this.#call.write(message, this.#pump);
      else if (watcher.ended !== undefined) this.end(reasonOf(watcher.ended));
      else watcher.onReady(this.#pumpSoon);
    } catch (error) {
      this.end(error);
    }
  };

  /**
   * Once no microtask is left: what else is committed meanwhile goes into the same message. What is committed later in this
   * turn of the loop waits for that message, and goes together into the next.
   */
  readonly #pumpSoon = (): void => {
    this.#turns.add(this.#pump);
  };

  #nextMessage(watcher: Watcher): Buffer | undefined {
    const batch = watcher.take();
    if (batch === undefined) return undefined;
    this.#waiting = this.#encoder.encode(batch, this.#pieces);
    return this.#waitingMessage();
  }

  #waitingMessage(): Buffer | undefined {
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
