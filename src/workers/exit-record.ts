/** What a dead worker died of. Pure. */

import type { SessionId } from '../kernel/ids.js';

/**
 * `drained`: it ended as it was asked to; `exited`: by itself with a code; `killed`, `signalled`: by a signal of
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
  /** As its last sign of life said, 0 when unknown. */
  readonly residentBytes: number;
  /** Memory that the machine or the container has. */
  readonly memoryBytes: number;
  /** Whether the kernel has killed for memory since this worker started. */
  readonly sawMemoryKill: boolean;
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

/** Whether the call that the worker was busy with may be to blame. */
export const isDeadly = (cause: ExitCause): boolean => deadly.has(cause);

export function causeOf({ signal, code, stderr, verdict, ...memory }: Symptoms): ExitCause {
  if (signal === 'SIGSEGV' || signal === 'SIGBUS' || signal === 'SIGILL' || signal === 'SIGFPE')
    return 'segmentation_fault';
  if (verdict !== undefined) return verdict;
  if (signal === 'SIGABRT') return 'aborted';
  if (signal === 'SIGKILL' || code === 137) return isMemory(memory) ? 'out_of_memory' : 'killed';
  if (signal !== null) return 'signalled';
  if (code === 0) return 'drained';
  return stderr.slice(-3).some((line) => line.startsWith('MemoryError')) ? 'out_of_memory' : 'exited';
}

/** Nobody says that it was for memory: the kernel counts, or it held most of what there is. */
const isMemory = ({
  residentBytes,
  memoryBytes,
  sawMemoryKill,
}: Omit<Symptoms, 'signal' | 'code' | 'stderr' | 'verdict'>) =>
  sawMemoryKill || (memoryBytes > 0 && residentBytes > memoryBytes / 2);
