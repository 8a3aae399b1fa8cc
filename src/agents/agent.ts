/** An agent while it lives: a session with the declared variables, and runs that are processes of their own. */

import { checkObject, checkOptionalPort, checkOptionalTimeout, reading } from '../kernel/arguments.js';
import { sleep } from '../kernel/clock.js';
import { CoilyardError } from '../kernel/errors.js';
import { describeExit, type ExitReason, exitReason } from '../kernel/exit-reason.js';
import type { Process } from '../kernel/process.js';
import { spawn } from '../kernel/spawn.js';
import type { Session } from '../sessions/session.js';
import type { AgentDefinition, ModuleRecipes, VariableDeclarations } from './define-agent.js';
import { declareVariables } from './declare.js';
import type { AgentServices } from './services.js';
import { committedValues, moduleRunner } from './run-context.js';

export interface RunOptions {
  readonly signal?: AbortSignal | undefined;
  /** Milliseconds until the run is ended with `deadline_exceeded`. Default: none. */
  readonly timeoutMs?: number | undefined;
}

export class Agent<Variables extends VariableDeclarations, Recipes extends ModuleRecipes, Input, Output> {
  readonly session: Session;
  readonly #definition: AgentDefinition<Variables, Recipes, Input, Output>;
  readonly #services: AgentServices;

  private constructor(
    session: Session,
    definition: AgentDefinition<Variables, Recipes, Input, Output>,
    services: AgentServices,
  ) {
    this.session = session;
    this.#definition = definition;
    this.#services = services;
  }

  /** Registers what the session does not have yet; what it has must be of the same type. */
  static async start<Variables extends VariableDeclarations, Recipes extends ModuleRecipes, Input, Output>(
    session: Session,
    definition: AgentDefinition<Variables, Recipes, Input, Output>,
    services: AgentServices,
  ): Promise<Agent<Variables, Recipes, Input, Output>> {
    await declareVariables(session, definition.variables);
    return new Agent(session, definition, services);
  }

  get name(): string {
    return this.#definition.name;
  }

  /**
   * Runs `forward` once, as a supervised process that is not restarted. Rejects with what `forward` threw, or with
   * `deadline_exceeded`, `cancelled`. Runs are independent of each other and of the session's life.
   */
  async run(input: Input, options: RunOptions = {}): Promise<Output> {
    reading('options', () => {
      checkObject('options', options);
      checkOptionalTimeout('timeoutMs', options.timeoutMs);
      checkOptionalPort('signal', options.signal, ['addEventListener']);
    });
    const { telemetry, clock, random } = this.#services;
    const runId = random.uuid();
    const fields = { agent: this.name, sessionId: this.session.id, runId };
    const startedAtMs = clock.monotonicMs();
    telemetry.emit('run.started', fields);
    try {
      const output = await this.#supervised(runId, input, options);
      telemetry.emit('run.ended', { ...fields, durationMs: clock.monotonicMs() - startedAtMs, code: 'ok' });
      return output;
    } catch (error) {
      const code = error instanceof CoilyardError ? error.code : 'internal';
      telemetry.emit('run.ended', { ...fields, durationMs: clock.monotonicMs() - startedAtMs, code });
      throw error;
    }
  }

  #supervised(runId: string, input: Input, options: RunOptions): Promise<Output> {
    return new Promise<Output>((resolve, reject) => {
      const start = async (parent: Process | undefined): Promise<Process> => {
        const controller = new AbortController();
        const run = await spawn({
          ...(parent === undefined ? {} : { parent }),
          init: (context) => {
            this.#forward(input, controller.signal, options).then(
              (output) => {
                resolve(output);
                context.exit(exitReason.normal);
              },
              (error: unknown) => {
                reject(error);
                context.exit(exitReason.error(error));
              },
            );
          },
        });
        const giveUp = this.#limit(run, controller, options, reject);
        run.monitor((reason) => {
          giveUp();
          const error = ended(reason);
          controller.abort(error);
          // Settled already unless somebody else ended the run.
          reject(error);
        });
        return run;
      };
      this.#services.supervisor.startChild(`run:${this.name}:${runId}`, start).catch(reject);
    });
  }

  async #forward(input: Input, signal: AbortSignal, options: RunOptions): Promise<Output> {
    const { python, clock } = this.#services;
    const deadlineAtMs = options.timeoutMs === undefined ? undefined : clock.monotonicMs() + options.timeoutMs;
    return this.#definition.forward(
      {
        variables: committedValues(this.session, this.#definition.variables),
        modules: moduleRunner({
          session: this.session,
          definition: this.#definition,
          python,
          clock,
          signal,
          deadlineAtMs,
        }),
        session: this.session,
        signal,
      },
      input,
    );
  }

  /** Ends the run when its time is up or its caller gives up. @returns a function that takes that back. */
  #limit(
    run: Process,
    controller: AbortController,
    { signal, timeoutMs }: RunOptions,
    reject: (error: unknown) => void,
  ): () => void {
    const finished = new AbortController();
    const end = (error: CoilyardError): void => {
      reject(error);
      controller.abort(error);
      run.exit(exitReason.shutdownWith(error.code));
    };
    if (timeoutMs !== undefined)
      sleep(this.#services.clock, timeoutMs, finished.signal).then(
        () => end(new CoilyardError('deadline_exceeded', `the run took longer than ${timeoutMs} ms`)),
        () => undefined,
      );
    const onAbort = (): void => end(new CoilyardError('cancelled', 'the run was cancelled', { cause: signal?.reason }));
    if (signal?.aborted) onAbort();
    else signal?.addEventListener('abort', onAbort, { once: true });
    return () => {
      finished.abort();
      signal?.removeEventListener('abort', onAbort);
    };
  }

  /** Stops the session. */
  async stop(options?: { readonly keep?: boolean }): Promise<void> {
    await this.session.stop(options);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.stop();
  }
}

const ended = (reason: ExitReason): CoilyardError =>
  new CoilyardError('cancelled', `the run was ended: ${describeExit(reason)}`, { details: { reason: reason.type } });
