/** The same child several times, and a rule that says which one serves a key (S92). */

import { checkFunction, reading } from '../src/kernel/arguments.js';
import type { Process } from '../src/kernel/process.js';
import { type ChildOptions, checkSpecs, type StartResult } from './child-spec.js';
import { StaticSupervisor, staticRules, type Strategy, type Supervisor } from './supervisor.js';
import { checkFlags, flagFault, type SupervisorFlags } from './supervisor-flags.js';

export interface PartitionSupervisorFlags<P extends Process = Process> extends SupervisorFlags, ChildOptions {
  /** How many children; their ids are 0, 1, 2, … */
  readonly partitions: number;
  readonly strategy?: Strategy;
  /** Starts the child of one partition, linked: pass `parent: self` on. */
  start(self: Supervisor, index: number): StartResult<P>;
}

export interface PartitionSupervisor<P extends Process = Process>
  extends Pick<
    Supervisor,
    keyof Process | 'countChildren' | 'label' | 'stop' | 'stopReport' | 'tree' | 'whichChildren'
  > {
  readonly partitions: number;
  /**
   * The process that serves the key at this moment; nothing while it is being restarted. An integer k goes to partition
   * `|k| mod partitions`, any other key by a hash of its contents.
   */
  which(key: unknown): P | undefined;
}

/** @throws what is wrong with the flags; `failed_to_start_child` with the partition's number as `childId`. */
export function startPartitionSupervisor<P extends Process>(
  flags: PartitionSupervisorFlags<P>,
): Promise<PartitionSupervisor<P>>;
export async function startPartitionSupervisor(flags: PartitionSupervisorFlags): Promise<PartitionSupervisor> {
  const checked = checkFlags(flags);
  const { partitions, strategy = 'one_for_one' } = flags;
  checkFunction('start', flags.start);
  if (!Number.isInteger(partitions) || partitions < 1)
    throw flagFault('invalid_partitions', 'partitions', 'an integer from 1', partitions);
  const rules = staticRules(strategy, 'never');
  const { restart, shutdown, type, startTimeoutMs, backoff, budget, breaker } = flags;
  const options = { restart, shutdown, type, startTimeoutMs, backoff, budget, breaker };
  const specs = checkSpecs(
    Array.from({ length: partitions }, (_, id) => ({
      ...options,
      id,
      start: (self: Supervisor) => flags.start(self, id),
    })),
    rules,
  );
  const supervisor = reading('flags', () => new Partitions(checked, strategy, rules, partitions));
  await supervisor.startAll(specs);
  return supervisor;
}

class Partitions extends StaticSupervisor implements PartitionSupervisor {
  readonly partitions: number;

  constructor(
    flags: ConstructorParameters<typeof StaticSupervisor>[0],
    strategy: Strategy,
    rules: ConstructorParameters<typeof StaticSupervisor>[2],
    partitions: number,
  ) {
    super(flags, strategy, rules, 'in_order');
    this.partitions = partitions;
  }

  which(key: unknown): Process | undefined {
    const process = this.runningChild(partitionOf(key, this.partitions));
    return process?.alive === true ? process : undefined;
  }
}

/** Stable across restarts and processes: depends on the key's contents alone. */
export function partitionOf(key: unknown, partitions: number): number {
  if (typeof key === 'number' && Number.isInteger(key)) return Math.abs(key) % partitions;
  if (typeof key === 'bigint') return Number((key < 0n ? -key : key) % BigInt(partitions));
  return hash(reading('key', () => textOf(key))) % partitions;
}

function textOf(key: unknown): string {
  const text = typeof key === 'object' && key !== null ? JSON.stringify(key) : String(key);
  return `${typeof key}:${text}`;
}

/** FNV-1a, 32 bits: spreads short, similar keys well enough. */
function hash(text: string): number {
  let sum = 0x811c9dc5;
  for (let index = 0; index < text.length; index += 1) sum = Math.imul(sum ^ text.charCodeAt(index), 0x01000193);
  return sum >>> 0;
}
