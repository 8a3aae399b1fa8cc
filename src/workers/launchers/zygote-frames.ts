/** The private channel to a zygote: JSON in frames, each after its length as four bytes, highest first. */

import { CoilyardError } from '../../kernel/errors.js';

/** What a zygote is asked for. */
export interface ForkFrame {
  readonly type: 'fork';
  readonly id: number;
  /** What people see the process called. */
  readonly worker: string;
  /** The worker's command line. */
  readonly arguments: readonly string[];
  readonly token: string;
  /** In the environment of everything that the worker starts. */
  readonly mark: string;
  /** Where its output goes: the abstract name of the socket, and what the lines say first: stdout, then stderr. */
  readonly lines: string;
  readonly keys: readonly [stdout: string, stderr: string];
}

/** What a zygote says. */
export type ZygoteFrame =
  /** Its imports are done. With objections it cannot fork and is about to end. */
  | {
      readonly type: 'ready';
      readonly pid: number;
      readonly objections: readonly string[];
      readonly importMs: number;
    }
  | { readonly type: 'import_failed'; readonly module: string; readonly reason: string }
  | { readonly type: 'forked'; readonly id: number; readonly pid: number }
  /** It is unsafe to fork now. */
  | { readonly type: 'refused'; readonly id: number; readonly objections: readonly string[] }
  | { readonly type: 'failed'; readonly id: number; readonly reason: string }
  | { readonly type: 'exited'; readonly pid: number; readonly code: number | null; readonly signal: string | null };

/** No frame of a zygote is longer than a traceback. */
const LONGEST_FRAME = 1024 * 1024;
const LENGTH_BYTES = 4;

export function encodeZygoteFrame(frame: ForkFrame): Buffer {
  const payload = Buffer.from(JSON.stringify(frame));
  const length = Buffer.alloc(LENGTH_BYTES);
  length.writeUInt32BE(payload.length);
  return Buffer.concat([length, payload]);
}

export class ZygoteFrameReader {
  #received: Buffer = Buffer.alloc(0);

  /**
   * The frames that are whole now.
   *
   * @throws CoilyardError `internal` when the bytes are not what a zygote says; nothing after that makes sense.
   */
  *push(chunk: Buffer): Generator<ZygoteFrame> {
    this.#received = this.#received.length === 0 ? chunk : Buffer.concat([this.#received, chunk]);
    while (this.#received.length >= LENGTH_BYTES) {
      const length = this.#received.readUInt32BE();
      if (length > LONGEST_FRAME) throw nonsense(`a frame of ${length} bytes`);
      const end = LENGTH_BYTES + length;
      if (this.#received.length < end) return;
      const payload = this.#received.subarray(LENGTH_BYTES, end).toString('utf8');
      this.#received = this.#received.subarray(end);
      yield parse(payload);
    }
  }
}

function parse(payload: string): ZygoteFrame {
  const frame = fieldsOf(payload);
  const { type, pid, id, code, signal, reason, module, objections, importMs } = frame;
  if (type === 'ready' && isCount(pid) && isTexts(objections) && isCount(importMs))
    return { type, pid, objections, importMs };
  if (type === 'import_failed' && typeof module === 'string' && typeof reason === 'string')
    return { type, module, reason };
  if (type === 'forked' && isCount(id) && isCount(pid)) return { type, id, pid };
  if (type === 'refused' && isCount(id) && isTexts(objections)) return { type, id, objections };
  if (type === 'failed' && isCount(id) && typeof reason === 'string') return { type, id, reason };
  if (
    type === 'exited' &&
    isCount(pid) &&
    (code === null || Number.isInteger(code)) &&
    (signal === null || typeof signal === 'string')
  )
    return { type, pid, code: code === null ? null : Number(code), signal };
  throw nonsense(payload.slice(0, 200));
}

function fieldsOf(payload: string): Readonly<Record<string, unknown>> {
  try {
    const parsed: unknown = JSON.parse(payload);
    if (typeof parsed === 'object' && parsed !== null) return { ...parsed };
  } catch {
    // Said below, with what came.
  }
  throw nonsense(payload.slice(0, 200));
}

const isCount = (value: unknown): value is number => typeof value === 'number' && Number.isSafeInteger(value);

const isTexts = (value: unknown): value is string[] =>
  Array.isArray(value) && value.every((entry) => typeof entry === 'string');

const nonsense = (what: string): CoilyardError =>
  new CoilyardError('internal', `a zygote said what none says: ${what}`);
