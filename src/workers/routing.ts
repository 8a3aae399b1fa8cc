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

/** Of what is none, a stream has one chunk: the result. */
export const isGenerator = ({ tools }: HelloFrame, target: CallTarget): boolean =>
  target.type === 'tool' && tools.find(({ name }) => name === target.name)?.streaming === true;

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

/**
 * The place that a session prefers: the same for all its calls, spread over the places, and the same as before for most
 * sessions when a place comes or goes (the one with the highest weight for the session wins).
 */
export function homeAmong(sessionId: string, places: readonly number[]): number | undefined {
  const seed = hash(0x811c9dc5, sessionId);
  let best: number | undefined;
  let highest = -1;
  for (const place of places) {
    const weight = mixed(seed ^ Math.imul(place + 1, 0x9e3779b1));
    if (weight > highest) [best, highest] = [place, weight];
  }
  return best;
}

/** FNV-1a, 32 bits. */
function hash(seed: number, text: string): number {
  let value = seed;
  for (let at = 0; at < text.length; at += 1) value = Math.imul(value ^ text.charCodeAt(at), 0x01000193);
  return value;
}

/** Every bit of the input changes half of the output: the finish of MurmurHash3. */
function mixed(value: number): number {
  let bits = Math.imul(value ^ (value >>> 16), 0x85ebca6b);
  bits = Math.imul(bits ^ (bits >>> 13), 0xc2b2ae35);
  return (bits ^ (bits >>> 16)) >>> 0;
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
