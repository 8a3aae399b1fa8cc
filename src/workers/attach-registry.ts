/**
 * Where connections meet the lives they belong to. A life about to start is invited with a one-time token; a connection
 * becomes that life's by showing it in its hello. Whatever belongs to no living worker is refused, or dropped and
 * counted.
 */

import { createHash, timingSafeEqual } from 'node:crypto';
import type { Clock, Random } from '../kernel/clock.js';
import { CoilyardError, invalidArgument, toCoilyardError } from '../kernel/errors.js';
import type { Incarnation, WorkerId } from '../kernel/ids.js';
import { keepLatest } from '../kernel/keep-latest.js';
import type { TelemetryBus } from '../kernel/telemetry.js';
import type { HelloFrame, WorkerFrame } from '../wire/frames.js';
import type { Attachment, FrameReceiver, KnownWorker } from './attachment.js';
import { WorkerGrant } from './worker-grant.js';

/** Who is expected. */
export interface Guest {
  readonly pool: string;
  readonly workerId: WorkerId;
  readonly incarnation: Incarnation;
}

/** What a life hears of its connection. */
export interface GuestLine {
  /** The right worker has dialled in. Called once, first. */
  attached(hello: HelloFrame, attachment: Attachment): void;
  received(frame: Exclude<WorkerFrame, HelloFrame>): void;
  /** Nothing more comes. Called once, last, and not after `revoke`. */
  detached(cause: unknown): void;
}

export interface Invitation {
  /** Unguessable, good for one hello. */
  readonly token: string;
  /** The sessions that the token grants at the gateway; closed as soon as the invitation is revoked or the connection ends. */
  readonly grant: WorkerGrant;
  /** Ends the invitation, or the connection it let in; frames that still arrive are dropped and counted. Idempotent. */
  revoke(error?: CoilyardError): void;
}

export interface AttachRegistryOptions {
  readonly clock: Clock;
  readonly random: Random;
  readonly telemetry: TelemetryBus;
  /** How long a connection may take to say hello. Default 10,000. */
  readonly helloTimeoutMs?: number;
}

interface Expected {
  readonly guest: Guest;
  readonly line: GuestLine;
  readonly digest: Buffer;
  readonly grant: WorkerGrant;
  /** Whether it may say any incarnation. */
  readonly isAnyLife: boolean;
}

/** Tokens of ended lives that are still known as such; the oldest is forgotten first. */
const ENDED = 1_000;

export class AttachRegistry {
  readonly #options: AttachRegistryOptions;
  readonly #expected = new Map<WorkerId, Expected>();
  /** Whose lives are over, by the digest of their token: where anybody may call, a dead worker is still not anybody. */
  readonly #ended = new Map<string, KnownWorker>();
  readonly #connections = new Set<Connection>();
  #closed = false;

  constructor(options: AttachRegistryOptions) {
    this.#options = options;
  }

  /**
   * Invites one life. A second invitation for the same worker id replaces the first.
   *
   * @param known the token of a worker that somebody else starts: it was told once and comes back with it, and knows
   * nothing of its lives before. Default: a new one, for the one life.
   */
  expect(guest: Guest, line: GuestLine, known?: string): Invitation {
    const token = known ?? this.#options.random.token(32);
    const grant = new WorkerGrant();
    const expected: Expected = { guest, line, digest: digestOf(token), grant, isAnyLife: known !== undefined };
    this.#expected.get(guest.workerId)?.grant.close();
    this.#expected.set(guest.workerId, expected);
    this.#ended.delete(keyOf(expected.digest));
    grant.whenClosed(() => this.#remember(expected));
    return {
      token,
      grant,
      revoke: (error) => {
        grant.close();
        if (this.#expected.get(guest.workerId) === expected) this.#expected.delete(guest.workerId);
        for (const connection of this.#connections) if (connection.belongsTo(line)) connection.end(error);
      },
    };
  }

  /** Takes a new connection of any carrier. It has to say hello in time and show a token that is expected. */
  accept(attachment: Attachment): FrameReceiver {
    const { clock, telemetry, helloTimeoutMs = 10_000 } = this.#options;
    const connection: Connection = new Connection(attachment, telemetry, {
      admit: (hello) => this.#admit(hello),
      forget: () => void this.#connections.delete(connection),
    });
    if (this.#closed) {
      connection.end(stopping());
    } else {
      this.#connections.add(connection);
      connection.limitHello(clock, helloTimeoutMs);
    }
    return connection;
  }

  /**
   * The worker that was given this token: what lets its tools call the gateway as long as its invitation or connection
   * stands. Of a life that ended lately too, with a grant that is closed. Every token is compared in constant time.
   */
  workerOf(token: string): KnownWorker | undefined {
    const digest = digestOf(token);
    let found: KnownWorker | undefined;
    for (const { guest, grant, digest: expected } of this.#living())
      if (timingSafeEqual(digest, expected)) found = { workerId: guest.workerId, grant };
    return found ?? this.#ended.get(keyOf(digest));
  }

  /** Ends every invitation and connection, and refuses new ones; lives that still have a connection lose it. */
  close(): void {
    this.#closed = true;
    for (const { grant } of this.#expected.values()) grant.close();
    this.#expected.clear();
    for (const connection of this.#connections) connection.fail(stopping());
  }

  #remember({ guest, grant, digest }: Expected): void {
    this.#ended.set(keyOf(digest), { workerId: guest.workerId, grant });
    keepLatest(this.#ended, ENDED);
  }

  *#living(): Generator<Expected> {
    yield* this.#expected.values();
    for (const { expected } of this.#connections) if (expected !== undefined) yield expected;
  }

  /** One message for every way to be refused, so that it tells a stranger nothing. */
  #admit(hello: HelloFrame): Expected {
    const expected = this.#expected.get(hello.workerId);
    const digest = digestOf(hello.token);
    // Compared also when nobody is expected: the time taken tells nothing either.
    const isToken = timingSafeEqual(digest, expected?.digest ?? digestOf(''));
    const isLife = expected?.isAnyLife === true || expected?.guest.incarnation === hello.incarnation;
    if (expected === undefined || !isToken || !isLife) {
      if (expected !== undefined && !isLife && hello.incarnation < expected.guest.incarnation)
        this.#options.telemetry.emit('worker.frame_dropped', {
          ...expected.guest,
          incarnation: hello.incarnation,
          frame: 'hello',
        });
      throw new CoilyardError('unauthenticated', 'the token is unknown, was used before, or belongs to another worker');
    }
    this.#expected.delete(hello.workerId);
    return expected;
  }
}

/** The registry as one of its connections sees it. */
interface Host {
  admit(hello: HelloFrame): Expected;
  forget(): void;
}

type ConnectionState =
  | { readonly type: 'silent' }
  | { readonly type: 'attached'; readonly expected: Expected }
  | { readonly type: 'ended'; readonly expected: Expected | undefined };

/** One connection, from the first frame to the last. */
class Connection implements FrameReceiver {
  readonly #attachment: Attachment;
  readonly #telemetry: TelemetryBus;
  readonly #host: Host;
  #state: ConnectionState = { type: 'silent' };
  #disarm: () => void = () => {};

  constructor(attachment: Attachment, telemetry: TelemetryBus, host: Host) {
    this.#attachment = attachment;
    this.#telemetry = telemetry;
    this.#host = host;
  }

  limitHello(clock: Clock, helloTimeoutMs: number): void {
    const timer = clock.setTimer(
      helloTimeoutMs,
      () => this.end(new CoilyardError('unauthenticated', `no hello within ${helloTimeoutMs} ms`)),
      { keepAlive: false },
    );
    this.#disarm = () => timer.cancel();
  }

  /** The life that this connection belongs to, once it has said hello and until it ends. */
  get expected(): Expected | undefined {
    return this.#state.type === 'attached' ? this.#state.expected : undefined;
  }

  belongsTo(line: GuestLine): boolean {
    return this.expected?.line === line;
  }

  receive(frame: WorkerFrame): void {
    try {
      this.#receive(frame);
    } catch (error) {
      this.fail(toCoilyardError(error));
    }
  }

  closed(cause?: unknown): void {
    const { expected } = this.#leave();
    expected?.line.detached(cause);
  }

  /** Ends the connection from this side and tells its life. */
  fail(error: CoilyardError): void {
    const { expected } = this.#leave();
    this.#attachment.close(error);
    expected?.line.detached(error);
  }

  /** Ends the connection from this side; its life asked for it and is not told. */
  end(error?: CoilyardError): void {
    if (this.#state.type === 'ended') return;
    this.#leave();
    this.#attachment.close(error);
  }

  #receive(frame: WorkerFrame): void {
    const state = this.#state;
    switch (state.type) {
      case 'silent': {
        if (frame.type !== 'hello') throw new CoilyardError('unauthenticated', 'the first frame has to be hello');
        const expected = this.#host.admit(frame);
        this.#disarm();
        this.#state = { type: 'attached', expected };
        expected.line.attached(frame, this.#attachment);
        return;
      }
      case 'attached':
        if (frame.type === 'hello') throw invalidArgument('hello', 'one hello for each connection', 'a second one');
        state.expected.line.received(frame);
        return;
      case 'ended':
        if (state.expected !== undefined)
          this.#telemetry.emit('worker.frame_dropped', { ...state.expected.guest, frame: frame.type });
    }
  }

  /** @returns the life that loses its connection by this; none when it had ended before. */
  #leave(): { readonly expected: Expected | undefined } {
    const expected = this.expected;
    if (this.#state.type !== 'ended') {
      this.#disarm();
      this.#state = { type: 'ended', expected };
      expected?.grant.close();
      this.#host.forget();
    }
    return { expected };
  }
}

const stopping = (): CoilyardError => new CoilyardError('pool_unavailable', 'the runtime is stopping');

const digestOf = (token: string): Buffer => createHash('sha256').update(token).digest();

const keyOf = (digest: Buffer): string => digest.toString('base64');
