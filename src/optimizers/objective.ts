/** What the runtime itself tries values with: a function, or a tool of either language. */

import { type Clock, sleep } from '../kernel/clock.js';
import { CoilyardError, describeThrown } from '../kernel/errors.js';
import type { SessionHandle } from '../sessions/handle.js';
import type { ToolsPort } from '../workers/python-port.js';
import type { Trial, TrialOutcome } from './handle.js';
import { measuredOf } from './score.js';
import type { Study } from './study.js';
import { unlessAborted } from './unless-aborted.js';

/** Measures one trial. What it throws is why the trial has failed. */
export type Objective = (trial: Trial, signal: AbortSignal) => unknown;

const RETRY_AFTER_MS = 500;
/** How long a pool may be down before it is taken for one that does not come back. */
const POOL_PATIENCE_MS = 60_000;

/** Tries values until the run is over, so many at the same time. Never rejects. */
export async function drive(study: Study, objective: Objective, parallel: number): Promise<void> {
  await Promise.all(Array.from({ length: parallel }, (_, index) => driveOne(study, objective, `runtime-${index + 1}`)));
}

async function driveOne(study: Study, objective: Objective, clientId: string): Promise<void> {
  try {
    while (!study.signal.aborted) {
      const asked = await study.ask(clientId);
      if (asked.type === 'ended') return;
      if (asked.type === 'later') continue;
      const outcome = await measure(asked.trial, objective, study.signal);
      if (!study.signal.aborted) await study.settle(clientId, asked.trial.number, outcome);
    }
  } catch (error) {
    // What the session or the objective cannot do for one trial it cannot do for the next one either.
    await study.end({ reason: 'failed', error: describeThrown(error), leaving: 'before' });
  }
}

async function measure(trial: Trial, objective: Objective, over: AbortSignal): Promise<TrialOutcome> {
  // Its own, so that what listens to it goes with the trial.
  const ending = new AbortController();
  const { signal } = ending;
  const end = (): void => ending.abort(over.reason);
  over.addEventListener('abort', end, { once: true });
  try {
    const measured = measuredOf(await unlessAborted(objective(trial, signal), signal));
    return measured.ok ? measured.value : { error: measured.error };
  } catch (error) {
    if (error instanceof Hopeless) throw error.cause;
    return { error: describeThrown(error) };
  } finally {
    over.removeEventListener('abort', end);
  }
}

class Hopeless extends Error {}

/** Calls a tool with the value as the argument `value`; with several variables, by their names. */
export function toolObjective(tool: string, tools: ToolsPort, session: SessionHandle, clock: Clock): Objective {
  return async ({ values }, signal) => {
    const [only] = values;
    const named = values.map(({ name, value }) => [name, value] as const);
    const given = new Map<string, unknown>(values.length === 1 && only !== undefined ? [['value', only.value]] : named);
    const untilMs = clock.monotonicMs() + POOL_PATIENCE_MS;
    for (;;)
      try {
        return await tools.callTool({ name: tool, arguments: given, sessionId: session.id, idempotent: true, signal });
      } catch (error) {
        if (!(error instanceof CoilyardError)) throw error;
        const isDown = error.code === 'pool_unavailable' && clock.monotonicMs() >= untilMs;
        if (isDown || isHopeless(error, tool)) throw new Hopeless(error.message, { cause: error });
        // The pool is busy or being restarted: that says nothing about the value.
        if (!error.retryable || error.execution !== 'not_started') throw error;
        await sleep(clock, error.retryAfterMs ?? RETRY_AFTER_MS, signal);
      }
  };
}

/** Whether the tool cannot be called, with whatever value; what its own code refuses is another matter. */
const isHopeless = ({ code, details }: CoilyardError, tool: string): boolean =>
  (code === 'tool_not_found' && details.tool === tool) ||
  (code === 'invalid_argument' && Array.isArray(details.missing));
