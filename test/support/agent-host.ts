/** Agents without a runtime: real sessions, and a Python port that answers as the test says. */

import { IGNORE } from '../../src/kernel/process.js';
import { systemRandom } from '../../src/kernel/clock.js';
import type { AgentServices } from '../../src/agents/services.js';
import type { Sessions } from '../../src/sessions/sessions.js';
import { ManualClock } from '../../src/testing/manual-clock.js';
import type { Arguments, CallOptions, PythonPort } from '../../src/workers/python-port.js';
import type { Recipe } from '../../src/workers/recipe.js';
import { hostSessions } from './session-host.js';

export interface Execution {
  readonly recipe: Recipe;
  readonly inputs: Arguments | undefined;
  readonly options: CallOptions | undefined;
}

export function hostAgents(answer: (execution: Execution) => unknown = () => ({})): {
  readonly clock: ManualClock;
  readonly sessions: Sessions;
  readonly services: AgentServices;
  readonly executions: Execution[];
} {
  const clock = new ManualClock();
  const { sessions, telemetry } = hostSessions({ clock });
  const executions: Execution[] = [];
  const refuse = (): never => {
    throw new Error('an agent calls modules only');
  };
  const python: PythonPort = {
    call: async () => refuse(),
    stream: refuse,
    tools: () => [],
    modules: () => [],
    execute: async (recipe, inputs, options) => {
      const execution = { recipe, inputs, options };
      executions.push(execution);
      return answer(execution);
    },
  };
  const supervisor = {
    async startChild(_id: string, start: (parent: undefined) => Promise<unknown>): Promise<void> {
      if ((await start(undefined)) === IGNORE) throw new Error('a run was ignored');
    },
  };
  return { clock, sessions, executions, services: { python, supervisor, clock, random: systemRandom, telemetry } };
}
