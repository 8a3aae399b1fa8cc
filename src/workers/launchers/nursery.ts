/** The zygotes of one environment: one life after the other under a supervisor, and who waits for the next. */

import type { Clock, Random } from '../../kernel/clock.js';
import { CoilyardError } from '../../kernel/errors.js';
import { describeExit, exitReason } from '../../kernel/exit-reason.js';
import type { Process } from '../../kernel/process.js';
import { type ProcessContext, spawn } from '../../kernel/spawn.js';
import type { TelemetryBus } from '../../kernel/telemetry.js';
import { type Deferred, deferred } from '../../kernel/deferred.js';
import type { WorkerEnvironment } from '../launcher.js';
import { reasonOf } from '../worker-errors.js';
import type { Interpreters } from './interpreters.js';
import { Living } from './living.js';
import { ForkRefused, ImportFailed, Zygote } from './zygote-process.js';

export interface NurseryServices {
  readonly clock: Clock;
  readonly random: Random;
  readonly telemetry: TelemetryBus;
  /** Has a zygote supervised: started now, and again whenever it fails. One that ends normally is not wanted again. */
  readonly supervise: (id: string, start: (parent: Process) => Promise<Process>) => Promise<unknown>;
}

/** How long an order waits for a zygote that has ended to be started again. */
const PATIENCE_MS = 1_000;
/** How long its imports may take unless the pool says otherwise. */
const START_TIMEOUT_MS = 60_000;

type NurseryState =
  /** A zygote lives or is getting ready. */
  | { readonly type: 'up' }
  /** Between two lives, until the supervisor starts the next. `gone` resolves once nothing is left of the last one. */
  | { readonly type: 'down'; readonly error: unknown; readonly gone: Promise<unknown> }
  /** It may not fork, and nothing but a change of its imports would help. */
  | { readonly type: 'unfit'; readonly objections: readonly string[] };

export class Nursery {
  readonly label: string;
  readonly id: string;
  /** Resolves once the supervisor has it. */
  readonly opened: Promise<unknown>;
  readonly #environment: WorkerEnvironment;
  readonly #interpreters: Interpreters;
  readonly #services: NurseryServices;
  readonly #living = new Living();
  #state: NurseryState = { type: 'up' };
  #next: Deferred<Zygote> = awaited();

  /** @param namesakes how many environments have the same label. */
  constructor(
    label: string,
    namesakes: number,
    environment: WorkerEnvironment,
    interpreters: Interpreters,
    services: NurseryServices,
  ) {
    this.label = label;
    this.id = namesakes === 0 ? `zygote:${label}` : `zygote:${label}#${namesakes + 1}`;
    this.#environment = environment;
    this.#interpreters = interpreters;
    this.#services = services;
    this.opened = services.supervise(this.id, (parent) => this.#live(parent));
  }

  /** Resolves once no zygote of it is left, nor anything below one. */
  gone(): Promise<void> {
    return this.#living.none();
  }

  /** The zygote, once it is ready. @throws what keeps it from that. */
  async zygote(): Promise<Zygote> {
    await this.opened;
    const state = this.#state;
    if (state.type === 'unfit') throw new ForkRefused(state.objections);
    if (state.type === 'up') return this.#next.promise;
    if (state.error instanceof ImportFailed) throw state.error;
    return this.#nextWithin(PATIENCE_MS, state);
  }

  /** A zygote takes its time to die, and what lives below it too: until then nobody can start the next. */
  async #nextWithin(limitMs: number, { gone, error }: NurseryState & { readonly type: 'down' }): Promise<Zygote> {
    const next = this.#next.promise;
    await Promise.race([gone, next]);
    const patience = deferred<never>();
    const timer = this.#services.clock.setTimer(limitMs, () => {
      // Started meanwhile: it gets ready, or says why it does not.
      if (this.#state.type !== 'up') patience.reject(error);
    });
    return Promise.race([next, patience.promise]).finally(() => timer.cancel());
  }

  /** One life. It is up at once and gets ready beside, so that nobody waits behind its imports. */
  #live(parent: Process): Promise<Process> {
    let own: ProcessContext | undefined;
    let starting: Promise<Zygote> | undefined;
    return spawn({
      parent,
      trapExit: true,
      init: (context) => {
        own = context;
        this.#state = { type: 'up' };
        starting = this.#start();
        this.#living.add(starting.then(({ exited }) => exited));
        starting.then(
          (zygote) => {
            // However this life ends, an untrappable kill included, this runs.
            context.process.monitor(() => zygote.kill());
            return this.#follow(zygote, context);
          },
          (error: unknown) => this.#fail(error, context),
        );
      },
      handleExit: (_from, reason) => own?.exit(reason),
      terminate: async () => {
        const zygote = await starting?.catch(() => undefined);
        zygote?.kill();
        await zygote?.exited;
      },
    });
  }

  async #start(): Promise<Zygote> {
    const { clock, random, telemetry } = this.#services;
    const { python, imports, paths, preload = [], env } = this.#environment;
    const fit = await this.#interpreters.find(python, env);
    const onLine = (line: string): void => telemetry.emit('zygote.log', { zygote: this.id, line });
    const zygote = await Zygote.start({ clock, random, python: fit, imports, paths, preload, onLine });
    telemetry.emit('zygote.started', { zygote: this.id, pid: zygote.pid ?? null });
    return zygote;
  }

  async #follow(zygote: Zygote, context: ProcessContext): Promise<void> {
    const { clock, telemetry } = this.#services;
    const { startTimeoutMs = START_TIMEOUT_MS } = this.#environment;
    const startedAtMs = clock.monotonicMs();
    const tooSlow = clock.setTimer(startTimeoutMs, () => zygote.kill());
    // Whoever asks from now on waits for the next.
    zygote.lost.then(() => this.#down(ended(this.id, 'its channel closed'), zygote.exited));
    zygote.exited.then((exit) => {
      const reason = reasonOf(exit);
      telemetry.emit('zygote.exited', { zygote: this.id, reason, stderr: exit.stderr });
      if (this.#state.type === 'unfit') context.exit(exitReason.normal);
      else this.#fail(ended(this.id, describeExit(reason)), context);
    });
    try {
      const { objections } = await zygote.ready;
      if (objections.length > 0) {
        this.#leave({ type: 'unfit', objections }, new ForkRefused(objections));
        telemetry.emit('zygote.unfit', { zygote: this.id, objections });
        return;
      }
      const startMs = clock.monotonicMs() - startedAtMs;
      telemetry.emit('zygote.ready', { zygote: this.id, pid: zygote.pid ?? null, startMs });
      this.#next.resolve(zygote);
    } catch (error) {
      this.#fail(error, context);
    } finally {
      tooSlow.cancel();
    }
  }

  #fail(error: unknown, context: ProcessContext): void {
    this.#down(error);
    context.exit(exitReason.error(error));
  }

  #down(error: unknown, gone: Promise<unknown> = Promise.resolve()): void {
    if (this.#state.type === 'up') this.#leave({ type: 'down', error, gone }, error);
  }

  /** Who waits for this life hears that it is over; who comes later waits for the next. */
  #leave(state: NurseryState, error: unknown): void {
    this.#state = state;
    this.#next.reject(error);
    this.#next = awaited();
  }
}

/** Also rejected when nobody waits. */
function awaited(): Deferred<Zygote> {
  const next = deferred<Zygote>();
  next.promise.catch(() => {});
  return next;
}

const ended = (id: string, how: string): CoilyardError =>
  new CoilyardError('pool_unavailable', `${id} ended: ${how}`, { details: { zygote: id } });
