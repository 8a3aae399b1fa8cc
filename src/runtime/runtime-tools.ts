/** Functions that can be called by name from the other language and over the gateway: TypeScript's and Python's. */

import { checkFunction, checkObject, checkOptionalPort, checkOptionalTimeout, reading } from '../kernel/arguments.js';
import { CoilyardError, invalidArgument } from '../kernel/errors.js';
import type { WorkerId } from '../kernel/ids.js';
import type { Session } from '../sessions/session.js';
import type { Sessions } from '../sessions/sessions.js';
import type { PythonPort, ToolListing, ToolRequest, ToolsPort } from '../workers/python-port.js';
import type { RegisterToolOptions, ToolRegistry } from '../workers/tool-registry.js';
import { readerOf } from './session-values.js';

/** What a TypeScript function sees of its caller. */
export interface ToolContext {
  /** The session on whose behalf it is called. */
  readonly session: Session | undefined;
  /** The worker whose code calls; null for a client of the gateway. */
  readonly workerId: WorkerId | null;
  /** Aborts when the answer is not wanted any more. The caller does not wait for the function to notice. */
  readonly signal: AbortSignal;
}

export type Tool = (args: Readonly<Record<string, unknown>>, context: ToolContext) => unknown;

export interface RuntimeToolsOptions {
  readonly registry: ToolRegistry;
  readonly sessions: Pick<Sessions, 'find'>;
  readonly python: PythonPort;
  /** The pools that there are. */
  readonly pools: readonly string[];
  /** Throws once the runtime is being stopped. */
  readonly refuseIfStopped: () => void;
}

export class RuntimeTools implements ToolsPort {
  readonly #options: RuntimeToolsOptions;

  constructor(options: RuntimeToolsOptions) {
    this.#options = options;
  }

  /**
   * Lets Python call a function: `await session.call("name", …)`. What it returns has to be plain data; what it throws
   * is raised in Python with its message, a `CoilyardError` with its code as well.
   *
   * @returns the function that takes it back; idempotent.
   * @throws CoilyardError `invalid_argument` for a name that is not valid or taken.
   */
  register(name: string, fn: Tool, options?: RegisterToolOptions): () => void {
    const { registry, sessions, refuseIfStopped } = this.#options;
    refuseIfStopped();
    checkFunction('fn', fn);
    reading('options', () => checkObject('options', options ?? {}));
    return registry.register(
      name,
      async (args, { sessionId, workerId, signal }) => {
        const session = sessionId === null ? undefined : await sessions.find(sessionId);
        return fn(args, { session, workerId, signal });
      },
      options,
    );
  }

  /** The TypeScript functions, and what the workers of the pools have announced so far. */
  listTools(pool?: string): readonly ToolListing[] {
    const { registry, python, pools } = this.#options;
    const own = pool === undefined ? registry.specs.map((tool) => ({ tool, pool: null })) : [];
    const asked = pool === undefined ? pools : [pool];
    return [...own, ...asked.flatMap((name) => python.tools(name).map((tool) => ({ tool, pool: name })))];
  }

  /** Calls a TypeScript function of this name, else a Python tool; see {@link ToolRequest.pool}. Rejects with `tool_not_found`. */
  async callTool(request: ToolRequest): Promise<unknown> {
    const { registry, sessions, python, pools, refuseIfStopped } = this.#options;
    refuseIfStopped();
    const { name, sessionId, signal, timeoutMs, idempotent } = reading('request', () => checkedRequest(request));
    if (request.pool === undefined && registry.has(name)) return registry.call({ ...request, workerId: null });
    const pool = request.pool ?? pools.find((candidate) => this.#announces(candidate, name)) ?? 'default';
    if (request.pool === undefined && !pools.includes(pool))
      throw new CoilyardError('tool_not_found', `there is no tool ${name}`, {
        details: { tool: name, known: this.listTools().map(({ tool }) => tool.name) },
      });
    const session = sessionId === null ? undefined : await sessions.find(sessionId);
    return python.call(name, request.arguments, {
      pool,
      signal,
      timeoutMs,
      idempotent,
      ...(session === undefined ? {} : { sessionId: session.id, readVariables: readerOf(session) }),
    });
  }

  #announces(pool: string, name: string): boolean {
    return this.#options.python.tools(pool).some((tool) => tool.name === name);
  }
}

function checkedRequest(request: ToolRequest): ToolRequest {
  checkObject('request', request);
  const { name, arguments: args, sessionId, signal, timeoutMs } = request;
  if (typeof name !== 'string') throw invalidArgument('name', 'the name of a tool', name);
  if (!(args instanceof Map)) throw invalidArgument('arguments', 'a map by name', args);
  if (sessionId !== null && typeof sessionId !== 'string')
    throw invalidArgument('sessionId', 'the id of a session, or null', sessionId);
  checkOptionalPort('signal', signal, ['addEventListener']);
  checkOptionalTimeout('timeoutMs', timeoutMs);
  return request;
}
