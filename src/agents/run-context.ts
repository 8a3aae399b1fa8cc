/** What `forward` is given: values read at the moment of access, and modules that run with them. */

import type { Clock } from '../kernel/clock.js';
import { CoilyardError } from '../kernel/errors.js';
import type { Session } from '../sessions/session.js';
import { kindOfType } from '../variables/types/registry.js';
import type { PythonPort } from '../workers/python-port.js';
import type { TypedValue } from '../workers/recipe.js';
import {
  type AnyAgent,
  type ExecuteModuleOptions,
  type ModuleRecipes,
  type Modules,
  moduleNotFound,
  type ValuesOf,
  type VariableDeclarations,
} from './define-agent.js';

/** Variables that DSPy hands to the language model, declared by the agent or not. */
const LANGUAGE_MODEL_VARIABLES = ['model', 'temperature', 'max_tokens', 'top_p', 'stop', 'seed'];

/** An object whose properties are the committed values. */
export function committedValues<Variables extends VariableDeclarations>(
  session: Session,
  declarations: Variables,
): ValuesOf<Variables>;
export function committedValues(session: Session, declarations: VariableDeclarations): Record<string, unknown> {
  const values: Record<string, unknown> = Object.create(null);
  for (const name of Object.keys(declarations))
    Object.defineProperty(values, name, { enumerable: true, get: () => session.get(name) });
  return Object.freeze(values);
}

export interface ModuleRunnerOptions {
  readonly session: Session;
  readonly definition: Pick<AnyAgent, 'name' | 'variables' | 'modules' | 'pool'>;
  readonly python: PythonPort;
  readonly clock: Clock;
  readonly signal: AbortSignal;
  /** On the clock's monotonic time. */
  readonly deadlineAtMs: number | undefined;
}

export function moduleRunner<Recipes extends ModuleRecipes>(
  options: ModuleRunnerOptions & { readonly definition: { readonly modules: Recipes } },
): Modules<Recipes>;
export function moduleRunner(run: ModuleRunnerOptions): {
  execute(name: string, inputs: Readonly<Record<string, unknown>>, options?: ExecuteModuleOptions): Promise<unknown>;
} {
  const { session, definition, python, clock, signal, deadlineAtMs } = run;
  const names = [...new Set([...Object.keys(definition.variables), ...LANGUAGE_MODEL_VARIABLES])];
  return {
    async execute(name, inputs, options = {}) {
      const module = Object.hasOwn(definition.modules, name) ? definition.modules[name] : undefined;
      if (module === undefined) throw moduleNotFound(`agent ${definition.name}`, name, definition.modules);
      const leftMs = deadlineAtMs === undefined ? undefined : deadlineAtMs - clock.monotonicMs();
      if (leftMs !== undefined && leftMs <= 0)
        throw new CoilyardError('deadline_exceeded', 'the run has no time left', { execution: 'not_started' });
      const timeoutMs = least(options.timeoutMs, leftMs);
      return python.execute(module.recipe, inputs, {
        sessionId: session.id,
        variables: typedValues(session, names),
        revision: session.revision,
        signal,
        ...(definition.pool === undefined ? {} : { pool: definition.pool }),
        ...(timeoutMs === undefined ? {} : { timeoutMs }),
        ...(options.idempotent === undefined ? {} : { idempotent: options.idempotent }),
      });
    },
  };
}

/** All of one revision: nothing is awaited between the reads. */
function typedValues(session: Session, names: readonly string[]): Map<string, TypedValue> {
  const values = new Map<string, TypedValue>();
  for (const name of names) {
    const record = session.lookUp(name);
    if (record !== undefined) values.set(name, { value: record.value, kind: kindOfType(record.type) });
  }
  return values;
}

function least(first: number | undefined, second: number | undefined): number | undefined {
  if (first === undefined) return second;
  return second === undefined ? first : Math.min(first, second);
}
