/** Calls that keep killing workers: remembered by what they ask, so that the same call is refused and not tried again. */

import { createHash } from 'node:crypto';
import { serialize } from 'node:v8';
import type { Clock } from '../kernel/clock.js';
import { CoilyardError } from '../kernel/errors.js';
import type { Incarnation, WorkerId } from '../kernel/ids.js';
import { keepLatest } from '../kernel/keep-latest.js';
import type { CallTarget } from '../wire/frames.js';
import type { ExitCause } from './exit-record.js';
import { nameOf } from './routing.js';

/** One worker that died with the call alone in its hands. */
export interface Casualty {
  readonly workerId: WorkerId;
  readonly incarnation: Incarnation;
  readonly cause: ExitCause;
  readonly signal: string | null;
  readonly code: number | null;
  /** The last lines of its stderr. */
  readonly stderr: readonly string[];
}

export interface TaintedCall {
  readonly target: CallTarget;
  readonly arguments: ReadonlyMap<string, unknown>;
}

export interface TaintOptions {
  readonly clock: Clock;
  /** Deaths after which a call is refused. */
  readonly limit: number;
  /** How long a death is held against a call. Default 600,000. */
  readonly rememberMs?: number;
}

/** Calls that are remembered at the same time; the oldest is forgotten first. */
const MOST = 1_000;
const REMEMBER_MS = 600_000;

interface Suspect {
  readonly casualties: readonly Casualty[];
  readonly atMs: number;
}

export class Taint {
  readonly #options: TaintOptions;
  readonly #suspects = new Map<string, Suspect>();

  constructor(options: TaintOptions) {
    this.#options = options;
  }

  blame(call: TaintedCall, casualty: Casualty): void {
    const key = fingerprint(call);
    if (key === undefined) return;
    const casualties = [...(this.#find(key)?.casualties ?? []), casualty].slice(-this.#options.limit);
    this.#suspects.delete(key);
    this.#suspects.set(key, { casualties, atMs: this.#options.clock.monotonicMs() });
    keepLatest(this.#suspects, MOST);
  }

  /** It ended without a death: what died of it before died of something else. */
  clear(call: TaintedCall): void {
    const key = this.#suspects.size === 0 ? undefined : fingerprint(call);
    if (key !== undefined) this.#suspects.delete(key);
  }

  /** Why the call is not made; undefined when nothing is known against it. */
  refusal(call: TaintedCall): CoilyardError | undefined {
    const key = this.#suspects.size === 0 ? undefined : fingerprint(call);
    if (key === undefined) return undefined;
    const { limit } = this.#options;
    const casualties = this.#find(key)?.casualties ?? [];
    if (casualties.length < limit) return undefined;
    const target = nameOf(call.target);
    return new CoilyardError('worker_lost', `this call of ${target} has killed ${casualties.length} workers`, {
      execution: 'not_started',
      retryable: false,
      details: { reason: 'poison_call', target, casualties },
    });
  }

  #find(key: string): Suspect | undefined {
    const suspect = this.#suspects.get(key);
    const { clock, rememberMs = REMEMBER_MS } = this.#options;
    if (suspect === undefined || clock.monotonicMs() - suspect.atMs <= rememberMs) return suspect;
    this.#suspects.delete(key);
    return undefined;
  }
}

/** The same for calls that ask the same, whatever the order of their arguments. */
function fingerprint({ target, arguments: args }: TaintedCall): string | undefined {
  const sorted = [...args].sort(([one], [other]) => (one < other ? -1 : 1));
  try {
    return createHash('sha256')
      .update(serialize([target, sorted]))
      .digest('base64');
  } catch {
    // Something that has no form on the wire either: it is refused there.
    return undefined;
  }
}
