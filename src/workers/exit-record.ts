/** What a dead worker died of. Pure. */

import type { SessionId } from '../kernel/ids.js';

/**
 * `drained`: it ended as it was asked to; `exited`: by itself with a code, 0 included; `killed`, `signalled`: by a signal of
 * somebody else; `aborted`: an assertion; `hung`: no sign of life; `stopped`: it was ended in the course of a stop.
 */
export type ExitCause =
  | 'drained'
  | 'exited'
  | 'out_of_memory'
  | 'segmentation_fault'
  | 'aborted'
  | 'killed'
  | 'signalled'
  | 'hung'
  | 'disconnected'
  | 'refused_to_cancel'
  | 'stopped';

/** What this side did or saw before the process ended; a death that it brought about itself is told by that. */
export type Verdict = Extract<ExitCause, 'hung' | 'disconnected' | 'refused_to_cancel' | 'stopped'>;

export interface Symptoms {
  readonly signal: string | null;
  readonly code: number | null;
  readonly stderr: readonly string[];
  readonly verdict: Verdict | undefined;
  /** Whether it had said that it takes no more calls and ends. */
  readonly wasDraining: boolean;
  /** As its last sign of life said, 0 when unknown. */
  readonly residentBytes: number;
  /** Memory that the machine or the container has. */
  readonly memoryBytes: number;
  /** Whether the kernel has killed for memory since the worker was last heard of; undefined where it does not say. */
  readonly sawMemoryKill: boolean | undefined;
}

/** The last call that a worker was given. */
export interface LastCall {
  readonly callId: number;
  readonly target: string;
  readonly sessionId: SessionId | null;
}

/** Of the causes, those that a call can bring about. */
const deadly: ReadonlySet<ExitCause> = new Set<ExitCause>([
  'exited',
  'out_of_memory',
  'segmentation_fault',
  'aborted',
  'hung',
]);

/** What a worker that is out of memory ends with itself: `Exit.OUT_OF_MEMORY` of the Python package. */
const OUT_OF_MEMORY = 112;
/** How a shell tells by which signal its command ended: an interpreter may be a script that starts one. */
const signalCodes: ReadonlyMap<number | null, string> = new Map([
  [132, 'SIGILL'],
  [134, 'SIGABRT'],
  [135, 'SIGBUS'],
  [136, 'SIGFPE'],
  [137, 'SIGKILL'],
  [139, 'SIGSEGV'],
]);

/** What C++ says when nobody catches that an allocation has failed, before it aborts. */
const BAD_ALLOC = /\bstd::(bad_alloc|bad_array_new_length)\b/;

/** Whether the call that the worker was busy with may be to blame. */
export const isDeadly = (cause: ExitCause): boolean => deadly.has(cause);

export function causeOf({ code, stderr, verdict, wasDraining, ...symptoms }: Symptoms): ExitCause {
  const signal = symptoms.signal ?? signalCodes.get(code) ?? null;
  if (signal === 'SIGSEGV' || signal === 'SIGBUS' || signal === 'SIGILL' || signal === 'SIGFPE')
    return 'segmentation_fault';
  if (verdict !== undefined) return verdict;
  if (signal === 'SIGABRT') return stderr.some((line) => BAD_ALLOC.test(line)) ? 'out_of_memory' : 'aborted';
  if (signal === 'SIGKILL') return isMemory(symptoms) ? 'out_of_memory' : 'killed';
  if (signal !== null) return 'signalled';
  if (code === 0) return wasDraining ? 'drained' : 'exited';
  if (code === OUT_OF_MEMORY) return 'out_of_memory';
  return stderr.slice(-3).some((line) => line.startsWith('MemoryError')) ? 'out_of_memory' : 'exited';
}

/** Whether it was the kernel's kill for memory; where that does not count its kills, one that held most of what there is. */
const isMemory = ({
  residentBytes,
  memoryBytes,
  sawMemoryKill,
}: Pick<Symptoms, 'residentBytes' | 'memoryBytes' | 'sawMemoryKill'>) =>
  sawMemoryKill ?? (memoryBytes > 0 && residentBytes > memoryBytes / 2);
