/** The static supervisor: a list of children in order, and a strategy that says who is restarted with whom. */

import { reading } from '../src/kernel/arguments.js';
import { type ExitReason, exitReason } from '../src/kernel/exit-reason.js';
import { IGNORE, type Process } from '../src/kernel/process.js';
import { Child } from './child.js';
import { type ChildCounts, type ChildInfo, childInfo, countChildren } from './child-info.js';
import { type ChildId, type ChildSpec, type CheckedSpec, checkSpec, checkSpecs, type SpecRules } from './child-spec.js';
import { failedToStart, labelOf, refused, startRefused } from './refusals.js';
import type { ChildStopper, StopReport } from './stop-children.js';
import { type StopOptions, SupervisorCore } from './supervisor-core.js';
import { type CheckedFlags, checkFlags, flagFault, type SupervisorFlags } from './supervisor-flags.js';
import { childNode, type TreeNode } from './tree.js';

export type Strategy = 'one_for_one' | 'one_for_all' | 'rest_for_one';
export type AutoShutdown = 'never' | 'any_significant' | 'all_significant';

export interface StaticSupervisorFlags extends SupervisorFlags {
  /** Who is restarted when a child is. Default `one_for_one`. */
  readonly strategy?: Strategy;
  /** Whether the end of significant children ends the supervisor. Default `never`. */
  readonly autoShutdown?: AutoShutdown;
  readonly children?: readonly ChildSpec<Process, Supervisor>[];
  /** `parallel` stops all children at once at the end, each with its own time. Default `in_order`: last started first. */
  readonly stopOrder?: 'in_order' | 'parallel';
}

/** All requests wait in the supervisor's mailbox and have no time limit. A refusal carries OTP's word in `details.reason`. */
export interface Supervisor extends Process {
  readonly label: string;
  /**
   * Adds a child at the end and starts it. Resolves with its process; with nothing when the start function ignored (S22).
   *
   * @throws `already_started` with the process, `already_present`; `failed_to_start_child`, and then the spec is forgotten.
   */
  startChild<P extends Process>(spec: ChildSpec<P, Supervisor>): Promise<P | undefined>;
  /** Stops a child and keeps its spec, unless it is temporary. @throws `not_found`. */
  terminateChild(id: ChildId): Promise<void>;
  /** Starts a child that is not running. @throws `running`, `restarting`, `not_found`, `failed_to_start_child`. */
  restartChild(id: ChildId): Promise<Process | undefined>;
  /** Forgets a child that is not running. @throws `running`, `restarting`, `not_found`. */
  deleteChild(id: ChildId): Promise<void>;
  /** The child started last comes first. */
  whichChildren(): Promise<ChildInfo[]>;
  countChildren(): Promise<ChildCounts>;
  /** Ends the supervisor after its children; default reason `normal`. Resolves to what had to be killed. */
  stop(reason?: ExitReason, options?: StopOptions): Promise<StopReport>;
  /** The state of this moment, without waiting. */
  tree(): TreeNode;
  readonly stopReport: StopReport | undefined;
}

/**
 * Starts a supervisor and its children, left to right, one after the other.
 *
 * @throws what is wrong with the flags or a spec, before anything starts; `failed_to_start_child` with the `cause` when a
 * child does not start: those before it are stopped again, those after it never start (S21).
 */
export async function startSupervisor(flags: StaticSupervisorFlags): Promise<Supervisor> {
  const checked = checkFlags(flags);
  const { supervisor, specs } = reading('flags', () => {
    const { strategy = 'one_for_one', autoShutdown = 'never', stopOrder = 'in_order', children = [] } = flags;
    const rules = staticRules(strategy, autoShutdown);
    if (stopOrder !== 'in_order' && stopOrder !== 'parallel')
      throw flagFault('invalid_stop_order', 'stopOrder', 'in_order or parallel', stopOrder);
    const specs = checkSpecs(children, rules);
    return { supervisor: new StaticSupervisor(checked, strategy, rules, stopOrder), specs };
  });
  await supervisor.startAll(specs);
  return supervisor;
}

/** @throws `invalid_strategy` or `invalid_auto_shutdown`. */
export function staticRules(strategy: Strategy, autoShutdown: AutoShutdown): SpecRules {
  if (strategy !== 'one_for_one' && strategy !== 'one_for_all' && strategy !== 'rest_for_one')
    throw flagFault('invalid_strategy', 'strategy', 'one_for_one, one_for_all or rest_for_one', strategy);
  if (autoShutdown !== 'never' && autoShutdown !== 'any_significant' && autoShutdown !== 'all_significant')
    throw flagFault('invalid_auto_shutdown', 'autoShutdown', 'never, any_significant or all_significant', autoShutdown);
  return { needsId: true, autoShutdown, allowsBreaker: strategy === 'one_for_one' };
}

export class StaticSupervisor extends SupervisorCore implements Supervisor {
  readonly #strategy: Strategy;
  readonly #rules: SpecRules;
  readonly #stopOrder: 'in_order' | 'parallel';
  /** In start order, which is the order of insertion. */
  readonly #children = new Map<ChildId, Child>();
  readonly #byProcess = new Map<Process, Child>();

  constructor(flags: CheckedFlags, strategy: Strategy, rules: SpecRules, stopOrder: 'in_order' | 'parallel') {
    super(flags);
    this.#strategy = strategy;
    this.#rules = rules;
    this.#stopOrder = stopOrder;
  }

  async startAll(specs: readonly CheckedSpec[]): Promise<void> {
    await this.begin(async () => {
      for (const spec of specs) {
        if (!this.alive) return;
        const child = this.#add(spec);
        try {
          if ((await this.launch(child, false)) === IGNORE) this.#dropIfTemporary(child);
        } catch (cause) {
          await this.stopAll(this.stopper());
          const detail = { reason: 'failed_to_start_child', childId: spec.id, cause };
          this.refuseStart(exitReason.shutdownWith(detail), failedToStart(spec.id, cause));
        }
      }
    });
  }

  startChild<P extends Process>(spec: ChildSpec<P, Supervisor>): Promise<P | undefined>;
  startChild(spec: ChildSpec<Process, Supervisor>): Promise<Process | undefined> {
    return this.request(() => this.#startNew(checkSpec(spec, this.#rules)));
  }

  terminateChild(id: ChildId): Promise<void> {
    return this.request(async () => {
      const child = this.#find(id);
      await this.stopper().one(child);
      this.#dropIfTemporary(child);
    });
  }

  restartChild(id: ChildId): Promise<Process | undefined> {
    return this.request(() => this.#launchAsked(this.#findIdle(id), () => {}));
  }

  deleteChild(id: ChildId): Promise<void> {
    return this.request(() => this.#drop(this.#findIdle(id)));
  }

  whichChildren(): Promise<ChildInfo[]> {
    return this.request(() => [...this.#children.values()].reverse().map(childInfo));
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
      strategy: this.#strategy,
      children: [...this.#children.values()].map(childNode),
    };
  }

  protected runningChild(id: ChildId): Process | undefined {
    return this.#children.get(id)?.running;
  }

  protected override get children(): Iterable<Child> {
    return this.#children.values();
  }

  protected override childOf(process: Process): Child | undefined {
    return this.#byProcess.get(process);
  }

  protected override adopted(child: Child, process: Process, previous: Process | undefined): void {
    if (previous !== undefined) this.#byProcess.delete(previous);
    this.#byProcess.set(process, child);
  }

  protected override stopAll(stopper: ChildStopper): Promise<void> {
    return this.#stopOrder === 'parallel'
      ? stopper.together(this.#children.values())
      : stopper.inTurn([...this.#children.values()].reverse());
  }

  /** A finished child keeps its place, a temporary one is forgotten; a significant one may take the supervisor along. */
  protected override retire(child: Child): void {
    this.#dropIfTemporary(child);
    if (!child.spec.significant) return;
    const { autoShutdown } = this.#rules;
    const othersRun = [...this.#children.values()].some(({ spec, state }) => spec.significant && state !== 'down');
    if (autoShutdown === 'never' || (autoShutdown === 'all_significant' && othersRun)) return;
    this.tell(child, { type: 'supervisor.auto_shutdown' });
    this.end(exitReason.shutdown);
  }

  protected override async revive(child: Child): Promise<void> {
    const group = this.#groupOf(child);
    await this.stopper().inTurn(group.filter((other) => other !== child).reverse());
    for (const member of group) {
      if (!this.alive) return;
      if (member !== child && member.spec.restart === 'temporary') this.#drop(member);
      else if (!(await this.#launchAgain(member))) return;
    }
  }

  /** Who is restarted together with the child, itself included, in start order (S27 to S29). */
  #groupOf(child: Child): Child[] {
    const all = [...this.#children.values()];
    if (this.#strategy === 'one_for_one') return [child];
    return this.#strategy === 'one_for_all' ? all : all.slice(all.indexOf(child));
  }

  /** @returns whether the rest of the group may start: the first failure ends this attempt (S39, S40). */
  async #launchAgain(child: Child): Promise<boolean> {
    try {
      await this.launch(child, true);
      return true;
    } catch (error) {
      this.restartFailed(child, error);
      return false;
    }
  }

  async #startNew(spec: CheckedSpec): Promise<Process | undefined> {
    const present = spec.id === undefined ? undefined : this.#children.get(spec.id);
    const process = present?.running;
    if (process !== undefined)
      throw refused('already_started', `child ${labelOf(spec.id)} runs already`, { childId: spec.id, process });
    if (present !== undefined)
      throw refused('already_present', `there is a child ${labelOf(spec.id)} that does not run`, { childId: spec.id });
    const child = this.#add(spec);
    const started = await this.#launchAsked(child, () => this.#drop(child));
    if (started === undefined) this.#dropIfTemporary(child);
    return started;
  }

  /** A start that somebody asked for is neither retried nor counted (S23, S54). */
  async #launchAsked(child: Child, onFailure: () => void): Promise<Process | undefined> {
    try {
      const process = await this.launch(child, false);
      return process === IGNORE ? undefined : process;
    } catch (cause) {
      onFailure();
      throw startRefused(child.spec.id, cause);
    }
  }

  #add(spec: CheckedSpec): Child {
    const child = new Child(spec);
    if (spec.id !== undefined) this.#children.set(spec.id, child);
    return child;
  }

  #drop(child: Child): void {
    if (child.process !== undefined) this.#byProcess.delete(child.process);
    if (child.spec.id !== undefined) this.#children.delete(child.spec.id);
  }

  #dropIfTemporary(child: Child): void {
    if (child.spec.restart === 'temporary') this.#drop(child);
  }

  #find(id: ChildId): Child {
    const child = this.#children.get(id);
    if (child === undefined) throw refused('not_found', `no child ${labelOf(id)}`, { childId: id });
    return child;
  }

  #findIdle(id: ChildId): Child {
    const child = this.#find(id);
    if (child.state !== 'down') throw refused(child.state, `child ${labelOf(id)} is ${child.state}`, { childId: id });
    return child;
  }
}
