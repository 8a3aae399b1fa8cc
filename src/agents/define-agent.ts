/** What users write: variables, modules and one function, checked as a whole. */

import { checkObject, reading } from '../kernel/arguments.js';
import { CoilyardError, invalidArgument } from '../kernel/errors.js';
import type { Session } from '../sessions/session.js';
import type { ModuleRecipe } from './dspy.js';
import type { VariableDeclaration } from './variable.js';

export type VariableDeclarations = Readonly<Record<string, VariableDeclaration>>;
export type ModuleRecipes = Readonly<Record<string, ModuleRecipe<never>>>;

/** The values of declared variables. */
export type ValuesOf<Variables extends VariableDeclarations> = {
  readonly [Name in keyof Variables]: Variables[Name] extends VariableDeclaration<infer Value> ? Value : never;
};

type Inputs<Module> = Module extends ModuleRecipe<infer In, unknown> ? In : never;
type Outputs<Module> = Module extends ModuleRecipe<infer _In, infer Out> ? Out : never;

export interface ExecuteModuleOptions {
  /** Default: what is left of the run's time. */
  readonly timeoutMs?: number;
  /** The call may be executed twice, so a lost worker is no failure. Default false. */
  readonly idempotent?: boolean;
}

export interface Modules<Recipes extends ModuleRecipes> {
  /**
   * Runs a module on a Python worker, with the values that the session's variables have at this moment. Rejects with
   * `module_not_found`, `python_error`, `worker_lost`, `pool_saturated`, `pool_unavailable` and what ends the run.
   */
  execute<Name extends keyof Recipes & string>(
    name: Name,
    inputs: Inputs<Recipes[Name]>,
    options?: ExecuteModuleOptions,
  ): Promise<Outputs<Recipes[Name]>>;
}

export interface RunContext<Variables extends VariableDeclarations, Recipes extends ModuleRecipes> {
  /** The committed values, read at the moment of access. */
  readonly variables: ValuesOf<Variables>;
  readonly modules: Modules<Recipes>;
  readonly session: Session;
  /** Aborted when the run is cancelled, out of time, or its runtime stops. */
  readonly signal: AbortSignal;
}

export interface AgentDefinition<Variables extends VariableDeclarations, Recipes extends ModuleRecipes, Input, Output> {
  readonly name: string;
  readonly variables: Variables;
  readonly modules: Recipes;
  /** Which Python pool serves the modules. Default `default`. */
  readonly pool?: string;
  forward(context: RunContext<Variables, Recipes>, input: Input): Output | Promise<Output>;
}

/** A definition whose particulars do not matter. */
export type AnyAgent = AgentDefinition<VariableDeclarations, ModuleRecipes, never, unknown>;

/**
 * Defines an agent. Nothing runs until `runtime.start(definition)`.
 *
 * @throws CoilyardError `invalid_argument` for a definition without a name or a `forward`; `module_not_found` when a
 * module variable starts with, or allows, a module that the agent does not have.
 */
export function defineAgent<
  Variables extends VariableDeclarations = Readonly<Record<never, never>>,
  Recipes extends ModuleRecipes = Readonly<Record<never, never>>,
  Input = void,
  Output = unknown,
>(definition: {
  readonly name: string;
  readonly variables?: Variables;
  readonly modules?: Recipes;
  readonly pool?: string;
  forward(context: RunContext<Variables, Recipes>, input: Input): Output | Promise<Output>;
}): AgentDefinition<Variables, Recipes, Input, Output>;
export function defineAgent(definition: Partial<AnyAgent> & Pick<AnyAgent, 'name' | 'forward'>): AnyAgent {
  return reading('definition', () => defined(definition));
}

function defined(definition: Partial<AnyAgent> & Pick<AnyAgent, 'name' | 'forward'>): AnyAgent {
  if (typeof definition !== 'object' || definition === null)
    throw invalidArgument('definition', 'an object with a name and a forward', definition);
  const { name, variables = {}, modules = {}, pool, forward } = definition;
  if (typeof name !== 'string' || name === '') throw invalidArgument('name', 'a text that is not empty', name);
  if (typeof forward !== 'function') throw invalidArgument('forward', 'a function', forward);
  checkObject('variables', variables);
  checkObject('modules', modules);
  if (pool !== undefined && typeof pool !== 'string') throw invalidArgument('pool', 'the name of a pool', pool);
  for (const [module, recipe] of Object.entries(modules)) checkObject(`modules.${module}`, recipe);
  for (const [variable, declaration] of Object.entries(variables)) checkObject(`variables.${variable}`, declaration);
  for (const [variable, declaration] of Object.entries(variables)) checkModules(name, variable, declaration, modules);
  return Object.freeze({ name, variables, modules, forward, ...(pool === undefined ? {} : { pool }) });
}

function checkModules(agent: string, variable: string, declaration: VariableDeclaration, modules: ModuleRecipes): void {
  if (declaration.type !== 'module') return;
  const { choices } = declaration.constraints;
  const named = [declaration.initialValue, ...(Array.isArray(choices) ? choices : [])];
  for (const module of named) {
    if (typeof module === 'string' && Object.hasOwn(modules, module)) continue;
    throw moduleNotFound(`agent ${agent}, variable ${variable}`, module, modules);
  }
}

export function moduleNotFound(where: string, name: unknown, modules: ModuleRecipes): CoilyardError {
  const known = Object.keys(modules);
  return new CoilyardError(
    'module_not_found',
    `${where}: there is no module ${String(name)}; known are ${known.join(', ') || 'none'}`,
    { details: { module: String(name), known } },
  );
}
