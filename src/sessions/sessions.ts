/** The directory of living sessions: starts them under their supervisor, finds them, lists them, lets them expire. */

import { CoilyardError, describeValue, invalidArgument } from '../kernel/errors.js';
import { isSessionId, SESSION_ID_RULE, type SessionId, sessionId } from '../kernel/ids.js';
import type { Ignore, Process } from '../kernel/process.js';
import { copyMetadata } from '../variables/plain-data.js';
import type { SessionInfo, SessionsPort, StartSessionOptions, WatchEnd } from './handle.js';
import { LiveSession } from './live-session.js';
import type { SessionServices } from './services.js';
import { Session } from './session.js';
import type { SessionRecord } from './store.js';

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

export class Sessions implements SessionsPort {
  readonly #services: SessionServices;
  readonly #supervisor: () => SessionSupervisor;
  readonly #entries = new Map<SessionId, Entry>();
  readonly #expired = new Set<SessionId>();

  constructor(services: SessionServices, supervisor: () => SessionSupervisor) {
    this.#services = services;
    this.#supervisor = supervisor;
  }

  /** Living sessions. */
  get size(): number {
    return this.#entries.size;
  }

  async start(options: StartSessionOptions = {}): Promise<Session> {
    const record = this.#recordFrom(options);
    if (this.#entries.has(record.id) || !(await this.#services.store.create(record)))
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
    const stored = isSessionId(id) ? await this.#services.store.find(id) : undefined;
    if (stored === undefined) throw this.#missing(id);
    // Another caller may have launched it while the store answered.
    const launched = this.#entries.get(stored.record.id);
    if (launched === undefined) return this.#launch(stored.record);
    await launched.started;
    return launched.session;
  }

  /** Living sessions in order of start. */
  async *list(): AsyncGenerator<SessionInfo> {
    for (const { session, live } of [...this.#entries.values()]) if (!live.closed) yield session.info();
  }

  async page(after: string, limit: number): Promise<readonly SessionInfo[]> {
    const ids = [...this.#entries.keys()].filter((id) => id > after).sort();
    const page: SessionInfo[] = [];
    for (const id of ids.slice(0, limit)) {
      const entry = this.#entries.get(id);
      if (entry !== undefined && !entry.live.closed) page.push(entry.session.info());
    }
    return page;
  }

  /** The supervisor waits this long before it tries to restart a session again. */
  suspend(id: string, retryAfterMs: number): void {
    this.#entries.get(sessionId(id))?.live.suspend(retryAfterMs);
  }

  /** Ends every watch and session; state is kept in the store. */
  async close(): Promise<void> {
    for (const { live } of [...this.#entries.values()]) live.end('runtime_stopped');
  }

  #recordFrom(options: StartSessionOptions): SessionRecord {
    const { clock, random } = this.#services;
    const { id = `session_${random.token(12)}`, ttlMs, owner } = options;
    if (typeof id !== 'string' || !isSessionId(id)) throw invalidArgument('id', SESSION_ID_RULE, id);
    if (ttlMs !== undefined && !(typeof ttlMs === 'number' && Number.isFinite(ttlMs) && ttlMs > 0))
      throw invalidArgument('ttlMs', 'a number of milliseconds above 0', ttlMs);
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

  async #launch(record: SessionRecord): Promise<Session> {
    const live: LiveSession = new LiveSession(record, this.#services, (end) => this.#closed(live, end));
    const session = new Session(live, this.#services);
    const started = this.#supervisor().startChild(record.id, (parent) => live.start(parent));
    this.#entries.set(record.id, { live, session, started });
    try {
      await started;
    } catch (error) {
      this.#entries.delete(record.id);
      throw error;
    }
    session.watchOverExpiry();
    return session;
  }

  #closed(live: LiveSession, end: WatchEnd): void {
    this.#entries.delete(live.id);
    const { telemetry } = this.#services;
    if (end === 'session_expired') {
      this.#rememberExpiry(live.id);
      telemetry.emit('session.expired', { sessionId: live.id });
    }
    telemetry.emit('session.stopped', { sessionId: live.id, reason: { type: 'shutdown', detail: end } });
  }

  #rememberExpiry(id: SessionId): void {
    this.#expired.add(id);
    if (this.#expired.size <= REMEMBERED_EXPIRIES) return;
    for (const oldest of this.#expired) {
      this.#expired.delete(oldest);
      return;
    }
  }

  #missing(id: string): CoilyardError {
    const details = { sessionId: id };
    return this.#expired.has(sessionId(id))
      ? new CoilyardError('session_expired', `session ${describeValue(id)} has expired`, { details })
      : new CoilyardError('session_not_found', `there is no session ${describeValue(id)}`, { details });
  }
}
