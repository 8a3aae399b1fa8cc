/** What the rest of the house may ask of Python. Agents, the gateway and users see this, never a pool or a worker. */

import type { SessionId } from '../kernel/ids.js';
import type { Affinity } from './affinity.js';
import type { ModuleSpec, Recipe, ToolSpec, TypedValue } from '../wire/frames.js';

export interface PythonPort {
  /**
   * Calls a Python tool and resolves to what it returned. Rejects with a `CoilyardError` that says whether the call was
   * executed: `tool_not_found`, `invalid_argument`, `python_error`, `worker_lost`, `pool_saturated`, `pool_unavailable`,
   * `deadline_exceeded`, `cancelled`.
   */
  call(tool: string, args?: Arguments, options?: CallOptions): Promise<unknown>;
  /**
   * Calls a Python generator. The call starts with the first `next()`; leaving the loop cancels it; a slow consumer
   * slows the generator down. Single use. The iterator's return value is the generator's.
   */
  stream(tool: string, args?: Arguments, options?: CallOptions): ChunkIterator;
  /** Builds the module on first use in whichever worker serves the call, and runs it on `inputs`. */
  execute(recipe: Recipe, inputs?: Arguments, options?: CallOptions): Promise<unknown>;
  /** The tools that the workers of a pool have announced; empty until the first worker is ready. */
  tools(pool?: string): readonly ToolSpec[];
  /** The module factories that the workers of a pool have announced. */
  modules(pool?: string): readonly ModuleSpec[];
}

/** Arguments by name. A `Map` can also carry names such as `__proto__`. */
export type Arguments = Readonly<Record<string, unknown>> | ReadonlyMap<string, unknown>;

export type ChunkIterator = AsyncIterableIterator<unknown, unknown, void>;

export type ReadVariables = (names: readonly string[]) => {
  readonly variables: ReadonlyMap<string, TypedValue>;
  readonly revision: number;
};

export interface CallProgress {
  /** From 0 to 1; absent when nobody can tell. */
  readonly fraction?: number;
  readonly message: string;
}

export interface CallLog {
  readonly level: string;
  readonly logger: string;
  readonly message: string;
}

export interface CallOptions {
  /** Which pool serves the call. Default `default`. */
  readonly pool?: string | undefined;
  /** The session on whose behalf the call is made; its calls prefer the same worker. */
  readonly sessionId?: SessionId | undefined;
  /** Committed values of the session that travel with the call, all of `revision`. */
  readonly variables?: ReadonlyMap<string, TypedValue> | undefined;
  readonly revision?: number | undefined;
  /**
   * Reads committed values when the call is sent: those of the session's variables that the tool asks for. What does not
   * exist is left out.
   */
  readonly readVariables?: ReadVariables | undefined;
  /** Hears how far the call has come, and what its code logged. A listener that throws is not called again. */
  readonly onProgress?: ((progress: CallProgress) => void) | undefined;
  readonly onLog?: ((entry: CallLog) => void) | undefined;
  /** Whether the call may be served by another worker than its session's. Default: the pool's `affinity`. */
  readonly affinity?: Affinity | undefined;
  /** Ends the call for its caller at once; Python is told to stop. */
  readonly signal?: AbortSignal | undefined;
  /** From the call until its result, waiting in the queue included. Default: the pool's. */
  readonly timeoutMs?: number | undefined;
  /** The call may be executed twice: a lost one is tried again on another worker. Default false. */
  readonly idempotent?: boolean | undefined;
}

/** A tool and where it is. */
export interface ToolListing {
  readonly tool: ToolSpec;
  /** The pool whose workers have it; null for a TypeScript function. */
  readonly pool: string | null;
}

export interface ToolRequest {
  readonly name: string;
  readonly arguments: ReadonlyMap<string, unknown>;
  readonly sessionId: SessionId | null;
  /** Absent: a TypeScript function of this name, else the first pool that has announced it, else `default`. */
  readonly pool?: string | undefined;
  readonly idempotent?: boolean | undefined;
  readonly signal?: AbortSignal | undefined;
  readonly timeoutMs?: number | undefined;
}

/** The tools of a runtime in both languages, as the gateway offers them. */
export interface ToolsPort {
  listTools(pool?: string): readonly ToolListing[];
  callTool(request: ToolRequest): Promise<unknown>;
}
