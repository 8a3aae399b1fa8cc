/** The dynamic supervisor: any number of children, started on request, in no order, each restarted by itself. */

import { reading } from '../src/kernel/arguments.js';
import type { ExitReason } from '../src/kernel/exit-reason.js';
import { IGNORE, type Ignore, type Process } from '../src/kernel/process.js';
import { isProcess } from '../src/kernel/process-core.js';
import { Child } from './child.js';
import { type ChildCounts, type ChildInfo, childInfo, countChildren } from './child-info.js';
import { type ChildId, type ChildOptions, type CheckedSpec, checkSpec, type StartResult } from './child-spec.js';
import { refused, startRefused } from './refusals.js';
import type { ChildStopper, StopReport } from './stop-children.js';
import { type StopOptions, SupervisorCore } from './supervisor-core.js';
import { type CheckedFlags, checkFlags, flagFault, type SupervisorFlags } from './supervisor-flags.js';
import { childNode, type TreeNode } from './tree.js';

export interface DynamicSupervisorFlags extends SupervisorFlags {
  /** Children allowed at a time, those that wait for a restart included. Default no limit (S64). */
  readonly maxChildren?: number;
  /** Only `one_for_one`, which is the default. */
  readonly strategy?: 'one_for_one';
}

export interface DynamicChildSpec<P extends Process = Process> extends ChildOptions {
  /** For people: trees and events show it. Need not be unique. */
  readonly id?: ChildId;
  start(self: DynamicSupervisor): StartResult<P>;
}

/** All requests wait in the supervisor's mailbox and have no time limit. A refusal carries OTP's word in `details.reason`. */
export interface DynamicSupervisor extends Process {
  readonly label: string;
  /**
   * Starts a child. Resolves with its process, or with `IGNORE`, and then nothing is kept (S22).
   *
   * @throws `max_children`; `failed_to_start_child`, and then nothing is kept either.
   */
  startChild<P extends Process>(spec: DynamicChildSpec<P>): Promise<P | Ignore>;
  /**
   * Stops a child and forgets it. By its process at once; by the id of its spec after a search, and then the first that has it.
   *
   * @throws `not_found` for what is no child (any more).
   */
  terminateChild(child: Process | ChildId): Promise<void>;
  /** In no particular order. */
  whichChildren(): Promise<ChildInfo[]>;
  countChildren(): Promise<ChildCounts>;
  /** Ends the supervisor after its children, all of them stopped at once; default reason `normal`. */
  stop(reason?: ExitReason, options?: StopOptions): Promise<StopReport>;
  /** The state of this moment, without waiting. */
  tree(): TreeNode;
  readonly stopReport: StopReport | undefined;
}

/** @throws what is wrong with the flags. */
export async function startDynamicSupervisor(flags: DynamicSupervisorFlags = {}): Promise<DynamicSupervisor> {
  const checked = checkFlags(flags);
  const { maxChildren = Infinity, strategy = 'one_for_one' } = flags;
  if (strategy !== 'one_for_one') throw flagFault('invalid_strategy', 'strategy', 'one_for_one', strategy);
  if (maxChildren !== Infinity && !(Number.isInteger(maxChildren) && maxChildren >= 0))
    throw flagFault('invalid_max_children', 'maxChildren', 'an integer from 0, or Infinity', maxChildren);
  const supervisor = reading('flags', () => new FlatSupervisor(checked, maxChildren));
  await supervisor.start();
  return supervisor;
}

const RULES = Object.freeze({ needsId: false, autoShutdown: 'never', allowsBreaker: true });

class FlatSupervisor extends SupervisorCore implements DynamicSupervisor {
  readonly #maxChildren: number;
  /** By their process, or by their last one while they wait for a restart. */
  readonly #children = new Map<Process, Child>();

  constructor(flags: CheckedFlags, maxChildren: number) {
    super(flags);
    this.#maxChildren = maxChildren;
  }

  start(): Promise<unknown> {
    return this.begin(() => {});
  }

  startChild<P extends Process>(spec: DynamicChildSpec<P>): Promise<P | Ignore>;
  startChild(spec: DynamicChildSpec): Promise<Process | Ignore> {
    return this.request(() => this.#startNew(checkSpec(spec, RULES)));
  }

  terminateChild(asked: Process | ChildId): Promise<void> {
    return this.request(async () => {
      const child = isProcess(asked) ? this.#children.get(asked) : this.#withId(asked);
      if (child === undefined) throw refused('not_found', 'no such child', { child: asked });
      await this.stopper().one(child);
      this.retire(child);
    });
  }

  whichChildren(): Promise<ChildInfo[]> {
    return this.request(() => [...this.#children.values()].map(childInfo));
  }

  countChildren(): Promise<ChildCounts> {
    return this.request(() => countChildren(this.#children.values()));
  }

  override tree(): TreeNode {
    return {
      id: this.label,
      type: 'supervisor',
      status: this.alive ? 'alive' : 'down',
      restarts: 0,
      strategy: 'dynamic',
      children: [...this.#children.values()].map(childNode),
    };
  }

  protected override get children(): Iterable<Child> {
    return this.#children.values();
  }

  protected override childOf(process: Process): Child | undefined {
    return this.#children.get(process);
  }

  protected override adopted(child: Child, process: Process, previous: Process | undefined): void {
    if (previous !== undefined) this.#children.delete(previous);
    this.#children.set(process, child);
  }

  protected override stopAll(stopper: ChildStopper): Promise<void> {
    return stopper.together(this.#children.values());
  }

  protected override retire(child: Child): void {
    if (child.process !== undefined) this.#children.delete(child.process);
  }

  protected override async revive(child: Child): Promise<void> {
    try {
      if ((await this.launch(child, true)) === IGNORE) this.retire(child);
    } catch (error) {
      this.restartFailed(child, error);
    }
  }

  #withId(id: ChildId | undefined): Child | undefined {
    if (id === undefined) return undefined;
    for (const child of this.#children.values()) if (child.spec.id === id) return child;
    return undefined;
  }

  #startNew(spec: CheckedSpec): Promise<Process | Ignore> {
    if (this.#children.size >= this.#maxChildren)
      throw refused('max_children', `there are ${this.#maxChildren} children already`, { limit: this.#maxChildren });
    return this.launch(new Child(spec), false).catch((cause: unknown) => {
      throw startRefused(spec.id, cause);
    });
  }
}
