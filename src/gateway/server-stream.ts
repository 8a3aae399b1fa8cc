/**
 * The one path of every stream to a client: authenticate, count, authorize, decode, then send what its source has as fast
 * as the reader reads. One message is on its way at a time; what happens meanwhile waits in the source, whose memory is
 * bounded.
 */

import type { handleServerStreamingCall, ServerWritableStream } from '@grpc/grpc-js';
import { CoilyardError } from '../kernel/errors.js';
import { authorizeMethod, authorizeSessions, sessionNamedBy } from './authorization.js';
import { type Caller, callingSessionOf } from './caller.js';
import type { GatewayContext } from './context.js';
import { grpcStatusOf } from './grpc-status.js';
import { refusedToGuest } from './guests.js';
import type { Principal } from './principal.js';
import { admitStream } from './stream-admission.js';
import { Turns } from './turns.js';
import { decodeRequest, type RpcMethod } from './unary.js';

/** What one reader is sent. A source may throw: that ends the stream with what was thrown. */
export interface StreamSource {
  /** The next message; `undefined`: there is none for now, or no other. */
  next(): Buffer | undefined;
  /** Calls `wake` once there may be a message or an end. */
  onReady(wake: () => void): void;
  /** Set once there is no other message: why, or that everything was said. */
  readonly ended: CoilyardError | 'complete' | undefined;
  /** Idempotent. */
  close(): void;
}

type Call = ServerWritableStream<Buffer, Buffer>;
type Method<Request> = Pick<RpcMethod<Request, unknown>, 'path' | 'requestDeserialize'>;
type Open<Request> = (request: Request, caller: Caller) => Promise<StreamSource>;

export function serverStream<Request>(
  context: GatewayContext,
  method: Method<Request>,
  open: Open<Request>,
): handleServerStreamingCall<Buffer, Buffer> {
  const { path } = method;
  const turns = new Turns();
  return (call) => {
    const stream = new ServerStream(call, turns);
    const forget = context.openStreams.add((error) => stream.end(error));
    let giveBack = (): void => {};
    let unwatchLife = (): void => {};
    // Emitted once at the end of every call, whoever ended it.
    call.once('cancelled', () => {
      forget();
      giveBack();
      unwatchLife();
      stream.close();
    });
    const admitted = async (): Promise<StreamSource> => {
      const admission = admitStream(context, path, call);
      const { principal } = admission;
      giveBack = admission.giveBack;
      // A worker reads no longer than it lives.
      unwatchLife = principal.grant?.whenClosed(() => stream.end(hasEnded(principal))) ?? unwatchLife;
      return openSource(context, { method, open }, { call, principal, stream });
    };
    admitted().then(
      (source) => stream.start(source),
      (thrown) => stream.end(thrown),
    );
  };
}

const hasEnded = ({ name }: Principal): CoilyardError => new CoilyardError('unauthenticated', `${name} has ended`);

interface Asked {
  readonly call: Call;
  readonly principal: Principal;
  readonly stream: ServerStream;
}

async function openSource<Request>(
  context: GatewayContext,
  { method, open }: { readonly method: Method<Request>; readonly open: Open<Request> },
  { call, principal, stream }: Asked,
): Promise<StreamSource> {
  const { path } = method;
  authorizeMethod(context, path, principal);
  const request = decodeRequest(method, call.request);
  const callingSession = callingSessionOf(call.metadata);
  if (authorizeSessions(context, path, principal, request, callingSession) === 'guest')
    stream.toldAs((error) => refusedToGuest(context, path, principal, sessionNamedBy(request), error));
  return open(request, { principal, callingSession });
}

class ServerStream {
  readonly #call: Call;
  readonly #turns: Turns;
  #source: StreamSource | undefined;
  #state: 'open' | 'ended' = 'open';
  #told = (thrown: unknown): unknown => thrown;

  constructor(call: Call, turns: Turns) {
    this.#call = call;
    this.#turns = turns;
  }

  /** @param told what its reader is told of an end, of an error. */
  toldAs(told: (thrown: unknown) => unknown): void {
    this.#told = told;
  }

  start(source: StreamSource): void {
    if (this.#state === 'ended') {
      source.close();
      return;
    }
    this.#source = source;
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
    this.#source?.close();
  }

  readonly #pump = (): void => {
    const source = this.#source;
    if (this.#state === 'ended' || source === undefined) return;
    try {
      const message = source.next();
      // The callback comes once the message has gone through the reader's flow control.
      if (message !== undefined) this.#call.write(message, this.#pump);
      else if (source.ended === undefined) source.onReady(this.#pumpSoon);
      else if (source.ended === 'complete') this.#complete();
      else this.end(source.ended);
    } catch (error) {
      this.end(error);
    }
  };

  /**
   * Once no microtask is left: what else happens meanwhile goes into the same message. What happens later in this turn of the
   * loop waits for that message, and goes together into the next.
   */
  readonly #pumpSoon = (): void => {
    this.#turns.add(this.#pump);
  };

  #complete(): void {
    this.close();
    this.#call.end();
  }
}
