/** What users hand to `runtime.python`, checked before anything has happened, in the form that the pools take. */

import {
  checkObject,
  checkOptionalFlag,
  checkOptionalFunction,
  checkOptionalPort,
  checkOptionalTimeout,
  reading,
} from '../kernel/arguments.js';
import { invalidArgument } from '../kernel/errors.js';
import type { SessionId } from '../kernel/ids.js';
import { affinities, isAffinity } from '../workers/affinity.js';
import type { Arguments, CallOptions } from '../workers/python-port.js';
import type { Recipe } from '../workers/recipe.js';
import { type ReadableSession, readerOf } from './session-values.js';

export interface PythonCallOptions extends Omit<CallOptions, 'sessionId' | 'variables' | 'revision' | 'readVariables'> {
  /**
   * On whose behalf the call is made: its `SessionContext` is what a tool's `session` parameter receives. A `Session`
   * also fills in the variables that the tool asks for.
   */
  readonly session?: ReadableSession | { readonly id: SessionId } | undefined;
}

export function checkedTool(tool: string): string {
  if (typeof tool !== 'string') throw invalidArgument('tool', 'the name of a tool', tool);
  return tool;
}

export function checkedRecipe(recipe: Recipe): Recipe {
  return reading('recipe', () => {
    checkObject('recipe', recipe);
    const { kind, signature } = recipe;
    if (typeof kind !== 'string') throw invalidArgument('recipe.kind', 'the name of a module', kind);
    if (typeof signature !== 'string') throw invalidArgument('recipe.signature', 'a text', signature);
    return recipe;
  });
}

/** The names are read now; the values when they travel. */
export function checkedArguments(args: Arguments | undefined): Arguments | undefined {
  if (args === undefined) return undefined;
  return reading('arguments', () => {
    if (args instanceof Map) return args;
    checkObject('arguments', args);
    return new Map(Object.entries(args));
  });
}

export function callOptions(options: PythonCallOptions): CallOptions {
  const { session, ...rest } = reading('options', () => checkedOptions(options));
  if (session === undefined) return rest;
  return { ...rest, sessionId: session.id, ...('lookUp' in session ? { readVariables: readerOf(session) } : {}) };
}

function checkedOptions(options: PythonCallOptions): PythonCallOptions {
  checkObject('options', options);
  const { session, ...rest } = options;
  if (session !== undefined && typeof session?.id !== 'string') throw invalidArgument('session', 'a session', session);
  if (rest.pool !== undefined && typeof rest.pool !== 'string')
    throw invalidArgument('pool', 'the name of a pool', rest.pool);
  checkOptionalTimeout('timeoutMs', rest.timeoutMs);
  checkOptionalPort('signal', rest.signal, ['addEventListener']);
  checkOptionalFlag('idempotent', rest.idempotent);
  checkOptionalFunction('onProgress', rest.onProgress);
  checkOptionalFunction('onLog', rest.onLog);
  if (rest.affinity !== undefined && !isAffinity(rest.affinity))
    throw invalidArgument('affinity', affinities.join(', '), rest.affinity);
  return session === undefined ? rest : { ...rest, session };
}
