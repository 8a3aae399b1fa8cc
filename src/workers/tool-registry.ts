/** TypeScript functions that Python may call by name. It runs them, and settles each call once whatever they do. */

import { checkObject, reading } from '../kernel/arguments.js';
import type { Clock } from '../kernel/clock.js';
import { CoilyardError, describeThrown, invalidArgument } from '../kernel/errors.js';
import type { SessionId, WorkerId } from '../kernel/ids.js';
import type { ToolSpec } from '../wire/frames.js';
import { type Nesting, Nestings } from './nesting.js';

/** Who calls, and until when. */
export interface ToolCaller {
  readonly sessionId: SessionId | null;
  /** The worker whose code calls; null for a client of the gateway. */
  readonly workerId: WorkerId | null;
  /** Aborts when the answer is not wanted any more: cancelled, too late, or the caller is gone. */
  readonly signal: AbortSignal;
}

export type ToolFunction = (args: Readonly<Record<string, unknown>>, caller: ToolCaller) => unknown;

export interface RegisterToolOptions {
  /** What it does, for people and for language models. */
  readonly description?: string;
  /** JSON Schema of its arguments, an object. Names that it lists as `required` must be given; it is not checked further. */
  readonly parameters?: Readonly<Record<string, unknown>>;
}

export interface ToolCallRequest {
  readonly name: string;
  readonly arguments: ReadonlyMap<string, unknown>;
  readonly sessionId: SessionId | null;
  readonly workerId: WorkerId | null;
  readonly signal?: AbortSignal | undefined;
  readonly timeoutMs?: number | undefined;
  /** Of a call by the code of a worker: so that what the function calls in turn is known to be waited for. */
  readonly nesting?: Nesting | undefined;
}

interface Registered {
  readonly spec: ToolSpec;
  readonly required: readonly string[];
  readonly run: ToolFunction;
}

const NAME = /^[A-Za-z_][\w.-]{0,127}$/;

export class ToolRegistry {
  readonly #clock: Clock;
  readonly #tools = new Map<string, Registered>();
  readonly #nestings = new Nestings();

  constructor(clock: Clock) {
    this.#clock = clock;
  }

  /**
   * @returns the function that takes it back; idempotent. Calls under way go on.
   * @throws CoilyardError `invalid_argument` for a name that is not valid or taken.
   */
  register(name: string, run: ToolFunction, options: RegisterToolOptions = {}): () => void {
    const { description = '', parameters } = reading('options', () => ({ ...options }));
    if (typeof description !== 'string') throw invalidArgument('description', 'a text', description);
    if (parameters !== undefined) checkObject('parameters', parameters);
    if (typeof name !== 'string' || !NAME.test(name))
      throw invalidArgument('name', 'letters, digits, "_", "-" and ".", at most 128 of them', name);
    if (typeof run !== 'function') throw invalidArgument('fn', 'a function', run);
    if (this.#tools.has(name)) throw invalidArgument('name', 'a name that no other tool has', name);
    const schema = parameters ?? { type: 'object' };
    const spec: ToolSpec = { name, description, parametersSchema: schemaText(schema), streaming: false };
    const registered: Registered = { spec, required: requiredOf(schema), run };
    this.#tools.set(name, registered);
    return () => {
      if (this.#tools.get(name) === registered) this.#tools.delete(name);
    };
  }

  has(name: string): boolean {
    return this.#tools.has(name);
  }

  /** Of the function in whose course this is asked. */
  get nesting(): Nesting | undefined {
    return this.#nestings.current;
  }

  get specs(): readonly ToolSpec[] {
    return Array.from(this.#tools.values(), ({ spec }) => spec);
  }

  /**
   * Rejects with a `CoilyardError`: the function's own, `internal` with its type and message for any other that it
   * throws, `deadline_exceeded` and `cancelled` at once, whether the function listens or not.
   */
  async call(request: ToolCallRequest): Promise<unknown> {
    const tool = this.#find(request.name);
    const missing = tool.required.filter((name) => !request.arguments.has(name));
    if (missing.length > 0)
      throw new CoilyardError('invalid_argument', `tool ${request.name}: missing ${missing.join(', ')}`, {
        details: { tool: request.name, missing },
      });
    const over = new AbortController();
    const args: Readonly<Record<string, unknown>> = Object.fromEntries(request.arguments);
    const { sessionId, workerId, nesting } = request;
    return this.#limited(request, over, () =>
      this.#nestings.run(nesting, async () => tool.run(args, { sessionId, workerId, signal: over.signal })),
    );
  }

  #find(name: string): Registered {
    const tool = this.#tools.get(name);
    if (tool !== undefined) return tool;
    throw new CoilyardError('tool_not_found', `no TypeScript function is registered as ${name}`, {
      details: { tool: name, known: [...this.#tools.keys()].sort() },
    });
  }

  #limited({ name, signal, timeoutMs }: ToolCallRequest, over: AbortController, run: () => Promise<unknown>) {
    return new Promise((resolve, reject) => {
      const end = (error: CoilyardError): void => {
        over.abort(error);
        reject(error);
      };
      const onAbort = (): void =>
        end(new CoilyardError('cancelled', `the call of ${name} was cancelled`, { cause: signal?.reason }));
      if (signal?.aborted) {
        onAbort();
        return;
      }
      const timer =
        timeoutMs === undefined
          ? undefined
          : this.#clock.setTimer(timeoutMs, () =>
              end(new CoilyardError('deadline_exceeded', `${name} did not answer within ${timeoutMs} ms`)),
            );
      signal?.addEventListener('abort', onAbort, { once: true });
      run()
        .then(resolve, (thrown: unknown) => reject(failureOf(thrown)))
        .finally(() => {
          timer?.cancel();
          signal?.removeEventListener('abort', onAbort);
        });
    });
  }
}

function failureOf(thrown: unknown): CoilyardError {
  if (thrown instanceof CoilyardError) return thrown;
  const type = thrown instanceof Error ? thrown.name : typeof thrown;
  const code = thrown instanceof Error && 'code' in thrown && typeof thrown.code === 'string' ? thrown.code : undefined;
  return new CoilyardError('internal', describeThrown(thrown), {
    execution: 'done',
    details: { type, ...(code === undefined ? {} : { code }) },
    cause: thrown,
  });
}

function schemaText(schema: Readonly<Record<string, unknown>>): string {
  try {
    const text: string | undefined = JSON.stringify(schema);
    if (text?.startsWith('{')) return text;
  } catch {
    // A cycle, or something that JSON has no word for.
  }
  throw invalidArgument('parameters', 'a JSON Schema as plain data', schema);
}

const requiredOf = ({ required }: Readonly<Record<string, unknown>>): readonly string[] =>
  Array.isArray(required) ? required.filter((name) => typeof name === 'string') : [];
