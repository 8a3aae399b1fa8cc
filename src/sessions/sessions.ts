/** The directory of living sessions: starts them under their supervisor, finds them, lists them, lets them expire. */

import { CoilyardError, describeValue, invalidArgument, toCoilyardError } from '../kernel/errors.js';
import { isSessionId, SESSION_ID_RULE, type SessionId, sessionId } from '../kernel/ids.js';
import { warnOf } from '../kernel/isolate.js';
import { keepLatest } from '../kernel/keep-latest.js';
import type { Ignore, Process } from '../kernel/process.js';
import { smallestAfter } from '../kernel/smallest.js';
import { copyMetadata } from '../variables/plain-data.js';
import { checkCount, checkFunction, checkOptions, checkText } from './arguments.js';
import { Expiry } from './expiry.js';
import type { SessionInfo, SessionsPort, StartSessionOptions } from './handle.js';
import { KeptSessions } from './kept-sessions.js';
import { type Ending, LiveSession } from './live-session.js';
import type { SessionServices } from './services.js';
import { Session } from './session.js';
import type { MaybePromise, SessionRecord, SessionStore } from './store.js';

/** How a supervisor is asked to run a session; the runtime ties it to a real one. */
export interface SessionSupervisor {
  /** Resolves when the child has started; a crash restarts it, a clean end removes it. */
  startChild(id: SessionId, start: (parent: Process | undefined) => Promise<Process | Ignore>): Promise<void>;
}

/** How many expired ids are remembered, to answer `session_expired` instead of `session_not_found`. */
const REMEMBERED_EXPIRIES = 10_000;

interface Entry {
  readonly live: LiveSession;
  readonly session: Session;
  /** Settles when the session is ready to be used. */
  readonly started: Promise<void>;
}

/** `runtime.sessions`: the rest of it is the runtime's own. */
export type SessionsForUsers = Pick<Sessions, 'start' | 'find' | 'list' | 'page' | 'size'>;

export class Sessions implements SessionsPort {
  readonly #services: SessionServices;
  readonly #supervisor: () => SessionSupervisor;
  readonly #entries = new Map<SessionId, Entry>();
  readonly #expired = new Set<SessionId>();
  /** Sessions that have ended and whose state is being deleted. */
  readonly #leaving = new Map<SessionId, Promise<void>>();
  readonly #kept: KeptSessions;

  /** @param supervisor throws why no session can be started now. */
  constructor(services: SessionServices, supervisor: () => SessionSupervisor) {
    this.#services = services;
    this.#supervisor = supervisor;
    const { clock, wheel, store } = services;
    this.#kept = new KeptSessions({ clock, wheel, store, onExpired: (record) => this.#expireKept(record) });
  }

  /** Living sessions. */
  get size(): number {
    return this.#entries.size;
  }

  async start(options: StartSessionOptions = {}): Promise<Session> {
    const record = this.#recordFrom(options);
    this.#supervisor();
    this.#kept.expireIfDue(record.id);
    await this.#leaving.get(record.id)?.catch(() => undefined);
    if (this.#entries.has(record.id) || !(await this.#ask((store) => store.create(record))))
      throw new CoilyardError('session_exists', `there is a session ${record.id} already`, {
        details: { sessionId: record.id },
      });
    this.#expired.delete(record.id);
    return this.#launch(record);
  }

  async find(id: string): Promise<Session> {
    if (typeof id !== 'string') throw invalidArgument('sessionId', 'the id of a session', id);
    const entry = this.#entries.get(sessionId(id));
    if (entry !== undefined) {
      await entry.started;
      return entry.session;
    }
    this.#supervisor();
    this.#kept.expireIfDue(sessionId(id));
    await this.#leaving.get(sessionId(id))?.catch(() => undefined);
    const stored = isSessionId(id) ? await this.#ask((store) => store.find(id)) : undefined;
    if (stored === undefined) throw this.#missing(id);
    return this.#launch(stored.record);
  }

  /** Living sessions in order of start. */
  async *list(): AsyncGenerator<SessionInfo> {
    for (const { session, live } of [...this.#entries.values()]) if (live.isReadable) yield session.info();
  }

  /** Living sessions by id, behind `after`, those that are accepted. Fewer than `limit`: there are no more. */
  async page(
    after: string,
    limit: number,
    accepts: (id: SessionId) => boolean = () => true,
  ): Promise<readonly SessionInfo[]> {
    if (typeof after !== 'string') throw invalidArgument('after', 'the id of a session', after);
    checkCount('limit', limit);
    checkFunction('accepts', accepts);
    const isListed = (id: SessionId): boolean => this.#entries.get(id)?.live.isReadable === true && accepts(id);
    const page: SessionInfo[] = [];
    for (const id of smallestAfter(this.#entries.keys(), after, limit, isListed)) {
      const entry = this.#entries.get(id);
      if (entry !== undefined) page.push(entry.session.info());
    }
    return page;
  }

  /** The supervisor waits this long before it tries to restart a session again. */
  suspend(id: string, retryAfterMs: number): void {
    this.#entries.get(sessionId(id))?.live.suspend(retryAfterMs);
  }

  /** Begins to watch over the sessions that an exclusive store has kept from before. */
  async adoptKept(): Promise<void> {
    if (this.#services.store.isExclusive === true) await this.#kept.survey((id) => this.#entries.has(id));
  }

  /** Ends every watch and session; state is kept in the store. */
  async close(): Promise<void> {
    this.#kept.close();
    for (const { live } of [...this.#entries.values()]) live.end({ reason: 'runtime_stopped', keep: true });
  }

  #recordFrom(options: StartSessionOptions): SessionRecord {
    checkOptions(options);
    const { clock, random } = this.#services;
    const { id = `session_${random.token(12)}`, ttlMs, owner } = options;
    if (typeof id !== 'string' || !isSessionId(id)) throw invalidArgument('id', SESSION_ID_RULE, id);
    if (ttlMs !== undefined && !(typeof ttlMs === 'number' && Number.isFinite(ttlMs) && ttlMs > 0))
      throw invalidArgument('ttlMs', 'a number of milliseconds above 0', ttlMs);
    checkText('owner', owner);
    const metadata = copyMetadata(options.metadata, 'metadata');
    if (!metadata.ok) throw metadata.error;
    return {
      id,
      createdAtMs: clock.nowMs(),
      ttlMs: ttlMs ?? null,
      metadata: metadata.value,
      owner: owner ?? null,
    };
  }

  /** Two callers may get here with the same id while the store answers: the second finds what the first has launched. */
  async #launch(record: SessionRecord): Promise<Session> {
    const launched = this.#entries.get(record.id);
    if (launched !== undefined) {
      await launched.started;
      return launched.session;
    }
    const { clock, wheel } = this.#services;
    const expiry = new Expiry(record.ttlMs, clock, wheel, () => this.#expire(live));
    const live: LiveSession = new LiveSession(record, this.#services, (ending) => {
      expiry.stop();
      return this.#closed(live, ending);
    });
    const session = new Session(live, this.#services, expiry);
    const started = this.#supervisor().startChild(record.id, (parent) => live.start(parent));
    this.#entries.set(record.id, { live, session, started });
    this.#kept.remove(record.id);
    try {
      await started;
    } catch (error) {
      this.#entries.delete(record.id);
      this.#kept.add(record);
      throw error;
    }
    if (!live.closed) expiry.start();
    return session;
  }

  #expire(live: LiveSession): void {
    // Only its removal can fail, which is said there and tried again.
    live.stopped({ reason: 'session_expired', keep: false }).catch(() => undefined);
  }

  #closed({ id, record }: LiveSession, { reason, keep }: Ending): MaybePromise<void> {
    this.#entries.delete(id);
    if (keep) this.#kept.add(record);
    const { telemetry } = this.#services;
    if (reason === 'session_expired') {
      this.#rememberExpiry(id);
      telemetry.emit('session.expired', { sessionId: id });
    }
    telemetry.emit('session.stopped', { sessionId: id, reason: { type: 'shutdown', detail: reason } });
    if (keep) return;
    // From this moment on nobody can find it: not here, nor, once it has left, in the store.
    const left = this.#leave(id);
    if (reason === 'session_expired') this.#expectToLeave(left, record);
    return left;
  }

  /** It had ended before; only what is kept of it is left to go. */
  #expireKept(record: SessionRecord): void {
    const { id } = record;
    this.#rememberExpiry(id);
    this.#expectToLeave(this.#leave(id), record);
    this.#services.telemetry.emit('session.expired', { sessionId: id });
  }

  /** Nobody waits for the removal of an expired session: one that fails is said, and tried again a time to live later. */
  #expectToLeave(left: Promise<void>, record: SessionRecord): void {
    left.catch((error: unknown) => {
      warnOf(error, `removing session ${record.id}, which has expired,`);
      this.#kept.add(record);
    });
  }

  #leave(id: SessionId): Promise<void> {
    const left = this.#ask((store) => store.delete(id))
      .then(() => undefined)
      .finally(() => this.#leaving.delete(id));
    this.#leaving.set(id, left);
    return left;
  }

  /** What the store throws is `store_unavailable`, unless it says better. */
  async #ask<Answer>(question: (store: SessionStore) => MaybePromise<Answer>): Promise<Answer> {
    try {
      return await question(this.#services.store);
    } catch (error) {
      throw toCoilyardError(error, 'store_unavailable');
    }
  }

  #rememberExpiry(id: SessionId): void {
    this.#expired.add(id);
    keepLatest(this.#expired, REMEMBERED_EXPIRIES);
  }

  #missing(id: string): CoilyardError {
    const details = { sessionId: id };
    return this.#expired.has(sessionId(id))
      ? new CoilyardError('session_expired', `session ${describeValue(id)} has expired`, { details })
      : new CoilyardError('session_not_found', `there is no session ${describeValue(id)}`, { details });
  }
}
