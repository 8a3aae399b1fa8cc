/**
 * How many workers a pool has, and when one of them is replaced. It looks at the pool from time to time and does one
 * thing at a time; a replacement is ready before the old worker goes, and the old one goes once its calls have ended.
 * Whether a worker lives is its supervisor's business: this decides only which places have one.
 */

import type { Clock, Random, Timer } from '../kernel/clock.js';
import type { PoolSettings } from './pool-options.js';
import { headcount } from './staff-options.js';

/** Puts places under supervision and takes them out again. */
export interface PlaceKeeper {
  open(place: number): Promise<unknown>;
  /** Ends the worker of the place in order; resolves when it is gone. */
  close(place: number): Promise<unknown>;
}

/** One place as it is now. */
export interface PlaceView {
  readonly place: number;
  /** Which life is in it. */
  readonly incarnation: number;
  readonly isWanted: boolean;
  readonly phase: 'idle' | 'starting' | 'ready' | 'down';
  readonly load: number;
  /** Calls that this life was given. */
  readonly calls: number;
  readonly ageMs: number;
  /** 0 when unknown. */
  readonly residentBytes: number;
}

/** What staffing sees of the pool and does to it. */
export interface StaffedPool {
  places(): readonly PlaceView[];
  /** How long the call that has waited longest has done so. */
  longestWaitMs(): number;
  /** From now on the place counts, or does not. */
  want(place: number, isWanted: boolean): void;
  /** Its worker gets no more calls. */
  retire(place: number): void;
  recycled(place: number, why: RecycleReason): void;
}

export type RecycleReason = 'calls' | 'age' | 'memory';

export interface StaffingOptions {
  readonly settings: PoolSettings;
  readonly clock: Clock;
  readonly random: Random;
  readonly pool: StaffedPool;
  readonly keeper: PlaceKeeper;
}

type Job =
  | { readonly type: 'replace'; readonly old: number; readonly spare: number; readonly why: RecycleReason }
  | { readonly type: 'drain'; readonly place: number };

const LOOK_MS = 100;
/** How long nothing is replaced after a replacement that did not start. */
const PATIENCE_MS = 30_000;

/** Whether there is anything to look after. */
function isElastic(settings: PoolSettings): boolean {
  const { min, max } = headcount(settings);
  return max > min || isRecycling(settings);
}

export const isRecycling = ({ maxCalls, maxAgeMs, maxResidentBytes }: PoolSettings): boolean =>
  maxCalls !== undefined || maxAgeMs !== undefined || maxResidentBytes !== undefined;

export class Staffing {
  readonly #options: StaffingOptions;
  /** When each place was last seen at work, and after how many calls. */
  readonly #busy = new Map<number, { readonly atMs: number; readonly calls: number; readonly incarnation: number }>();
  /** By how much the limits of each life differ. */
  readonly #jitter = new Map<string, number>();
  #job: Job | undefined;
  /** A place is being opened or closed. */
  #isMoving = false;
  #patientUntilMs = 0;
  #grownAtMs = Number.NEGATIVE_INFINITY;
  #timer: Timer | undefined;
  #isStopped = false;

  constructor(options: StaffingOptions) {
    this.#options = options;
  }

  start(): void {
    if (isElastic(this.#options.settings)) this.#arm();
  }

  stop(): void {
    this.#isStopped = true;
    this.#timer?.cancel();
  }

  #arm(): void {
    const look = (): void => {
      this.#look();
      if (!this.#isStopped) this.#arm();
    };
    this.#timer = this.#options.clock.setTimer(LOOK_MS, look, { keepAlive: false });
  }

  #look(): void {
    const places = this.#options.pool.places();
    this.#noteWork(places);
    if (this.#isMoving) return;
    if (this.#job !== undefined) this.#goOn(this.#job, places);
    else if (!this.#replaceOne(places) && !this.#grow(places)) this.#shrink(places);
  }

  #replaceOne(places: readonly PlaceView[]): boolean {
    const { clock, pool } = this.#options;
    if (clock.monotonicMs() < this.#patientUntilMs) return false;
    for (const view of places) {
      const why = view.phase === 'ready' && view.isWanted ? this.#overdue(view) : undefined;
      const spare = places.find(({ isWanted, phase }) => !isWanted && phase === 'idle');
      if (why === undefined || spare === undefined) continue;
      this.#job = { type: 'replace', old: view.place, spare: spare.place, why };
      pool.want(spare.place, true);
      this.#move(this.#options.keeper.open(spare.place));
      return true;
    }
    return false;
  }

  #overdue(view: PlaceView): RecycleReason | undefined {
    const { maxCalls, maxAgeMs, maxResidentBytes } = this.#options.settings;
    const factor = this.#factorOf(view);
    if (maxCalls !== undefined && view.calls >= Math.ceil(maxCalls * factor)) return 'calls';
    if (maxAgeMs !== undefined && view.ageMs >= maxAgeMs * factor) return 'age';
    return maxResidentBytes !== undefined && view.residentBytes >= maxResidentBytes ? 'memory' : undefined;
  }

  /** Drawn once for each life, so that workers of one age are not replaced all at once. */
  #factorOf({ place, incarnation }: PlaceView): number {
    const life = `${place}/${incarnation}`;
    const known = this.#jitter.get(life);
    if (known !== undefined) return known;
    this.#jitter.delete(`${place}/${incarnation - 1}`);
    const drawn = 1 + this.#options.settings.recycleJitter * this.#options.random.next();
    this.#jitter.set(life, drawn);
    return drawn;
  }

  #goOn(job: Job, places: readonly PlaceView[]): void {
    const { pool, keeper, clock } = this.#options;
    if (job.type === 'drain') {
      if (this.#busyCalls(places, job.place) > 0) return;
      this.#job = undefined;
      this.#move(keeper.close(job.place).finally(() => pool.want(job.place, false)));
      return;
    }
    const spare = places.find(({ place }) => place === job.spare);
    if (spare?.phase === 'ready') {
      // From here on sessions feel at home in the new place.
      pool.want(job.old, false);
      pool.retire(job.old);
      pool.recycled(job.old, job.why);
      this.#job = { type: 'drain', place: job.old };
    } else if (spare?.phase === 'down') {
      this.#patientUntilMs = clock.monotonicMs() + PATIENCE_MS;
      this.#job = { type: 'drain', place: job.spare };
    }
  }

  #busyCalls(places: readonly PlaceView[], place: number): number {
    return places.find((view) => view.place === place)?.load ?? 0;
  }

  #grow(places: readonly PlaceView[]): boolean {
    const { settings, pool, keeper, clock } = this.#options;
    const wanted = places.filter(({ isWanted }) => isWanted);
    if (wanted.length >= headcount(settings).max || pool.longestWaitMs() < settings.scaleUpAfterMs) return false;
    // The one that came last, or those that start already, may be all that it takes.
    const nowMs = clock.monotonicMs();
    if (nowMs - this.#grownAtMs < settings.scaleUpAfterMs) return false;
    if (wanted.some(({ phase }) => phase === 'starting')) return false;
    const free = places.find(({ isWanted, phase }) => !isWanted && phase === 'idle');
    if (free === undefined) return false;
    this.#grownAtMs = nowMs;
    pool.want(free.place, true);
    this.#move(keeper.open(free.place));
    return true;
  }

  #shrink(places: readonly PlaceView[]): void {
    const { settings, pool, clock } = this.#options;
    const wanted = places.filter(({ isWanted }) => isWanted);
    if (wanted.length <= headcount(settings).min) return;
    const idle = wanted.findLast(({ place, phase, load }) => {
      const atMs = this.#busy.get(place)?.atMs;
      const isIdle = phase === 'ready' && load === 0 && atMs !== undefined;
      return isIdle && clock.monotonicMs() - atMs >= settings.scaleDownAfterMs;
    });
    if (idle === undefined) return;
    pool.want(idle.place, false);
    pool.retire(idle.place);
    this.#job = { type: 'drain', place: idle.place };
  }

  #noteWork(places: readonly PlaceView[]): void {
    const atMs = this.#options.clock.monotonicMs();
    for (const { place, incarnation, load, calls } of places) {
      const seen = this.#busy.get(place);
      if (seen === undefined || load > 0 || calls !== seen.calls || incarnation !== seen.incarnation)
        this.#busy.set(place, { atMs, calls, incarnation });
    }
  }

  /** What a place says when it cannot be opened or closed its supervisor has reported already. */
  #move(moving: Promise<unknown>): void {
    this.#isMoving = true;
    const done = (): void => {
      this.#isMoving = false;
    };
    moving.then(done, done);
  }
}
