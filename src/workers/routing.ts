/** Which worker serves a call. Pure. */

import { CoilyardError } from '../kernel/errors.js';
import type { CallTarget, HelloFrame } from '../wire/frames.js';

/** What a worker can do, as its hello said. */
export interface Capabilities {
  readonly tools: ReadonlySet<string>;
  readonly modules: ReadonlySet<string>;
  /** The session variables that a tool is given, of the tools that are given any. */
  readonly variablesOf: ReadonlyMap<string, readonly string[]>;
}

export interface Candidate {
  readonly capabilities: Capabilities;
  /** Calls in hand. */
  readonly load: number;
  /** Calls that it runs at the same time. */
  readonly concurrency: number;
}

export const capabilitiesOf = (hello: HelloFrame): Capabilities => ({
  tools: new Set(hello.tools.map(({ name }) => name)),
  modules: new Set(hello.modules.map(({ name }) => name)),
  variablesOf: new Map(
    hello.tools.flatMap(({ name, variables }) => (variables === undefined ? [] : [[name, variables]])),
  ),
});

/** The session variables that the tools of this target are given. */
export function neededVariables({ variablesOf }: Capabilities, target: CallTarget): readonly string[] {
  if (variablesOf.size === 0) return [];
  const tools = target.type === 'tool' ? [target.name] : (target.recipe.tools ?? []);
  return tools.flatMap((tool) => variablesOf.get(tool) ?? []);
}

/** Kinds of module that DSPy brings along: every worker builds them, and says so itself when it lacks DSPy. */
const builtIn: ReadonlySet<string> = new Set(['Predict', 'ChainOfThought', 'ReAct', 'ProgramOfThought']);

export function canServe({ tools, modules }: Capabilities, target: CallTarget): boolean {
  if (target.type === 'tool') return tools.has(target.name);
  const { kind, tools: needed = [] } = target.recipe;
  return (builtIn.has(kind) || modules.has(kind)) && needed.every((name) => tools.has(name));
}

/**
 * The preferred candidate if it has room, else the least busy one that can serve the call; undefined when all that can
 * are full.
 */
export function route<C extends Candidate>(
  candidates: readonly C[],
  target: CallTarget,
  preferred: C | undefined,
): C | undefined {
  const fits = (candidate: C): boolean =>
    candidate.load < candidate.concurrency && canServe(candidate.capabilities, target);
  if (preferred !== undefined && fits(preferred)) return preferred;
  let best: C | undefined;
  for (const candidate of candidates)
    if ((best === undefined || candidate.load < best.load) && fits(candidate)) best = candidate;
  return best;
}

/** The place among `count` that a session prefers: the same for all its calls, and spread over the places. */
export function affinityOf(sessionId: string, count: number): number {
  // FNV-1a, 32 bits.
  let hash = 0x811c9dc5;
  for (let at = 0; at < sessionId.length; at += 1) hash = Math.imul(hash ^ sessionId.charCodeAt(at), 0x01000193);
  return (hash >>> 0) % count;
}

/** For messages and telemetry: the name of the tool, or the kind of the module. */
export const nameOf = (target: CallTarget): string => (target.type === 'tool' ? target.name : target.recipe.kind);

/** The error for a target that no worker of the pool has, with the names that they do have. */
export function notFound(pool: string, target: CallTarget, known: readonly Capabilities[]): CoilyardError {
  const tools = new Set(known.flatMap((capabilities) => [...capabilities.tools]));
  const modules = new Set(known.flatMap((capabilities) => [...capabilities.modules]));
  const name = nameOf(target);
  if (target.type === 'module' && !builtIn.has(name) && !modules.has(name))
    return new CoilyardError('module_not_found', `no worker of pool ${pool} has the module ${name}`, {
      details: { pool, module: name, known: [...builtIn, ...modules].sort() },
    });
  const needed = target.type === 'tool' ? [name] : (target.recipe.tools ?? []);
  const missing = needed.find((tool) => !tools.has(tool)) ?? name;
  return new CoilyardError('tool_not_found', `no worker of pool ${pool} has the tool ${missing}`, {
    details: { pool, tool: missing, known: [...tools].sort() },
  });
}
