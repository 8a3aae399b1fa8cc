/**
 * Supervision in two hundred lines: what a tree of supervisors has to do, without processes, promises or time. It says which
 * children start (`+id`) and stop (`-id`) in which order, who runs afterwards, and who gave up.
 */

import type { AutoShutdown, RestartType, Strategy } from '../../supervisors/index.js';

export interface LeafSpec {
  readonly kind: 'leaf';
  readonly id: string;
  readonly restart: RestartType;
  readonly significant: boolean;
}
export interface BranchSpec extends Omit<LeafSpec, 'kind'> {
  readonly kind: 'branch';
  readonly strategy: Strategy;
  readonly autoShutdown: AutoShutdown;
  readonly maxRestarts: number;
  readonly children: readonly Spec[];
}
export type Spec = LeafSpec | BranchSpec;

export const WITHIN_MS = 1000;

/** What all supervisors of a model share. */
export interface World {
  readonly log: string[];
  nowMs: number;
  /** How often the next starts of a leaf fail. */
  readonly failures: Map<string, number>;
  /** How often the next starts of a leaf are ignored. */
  readonly ignores: Map<string, number>;
}

type Ending = 'clean' | 'abnormal';
type Started = 'started' | 'failed' | 'ignored';

class Child {
  state: 'running' | 'restarting' | 'down' = 'down';
  /** The process has died, but the supervisor has not read its exit yet. */
  dead = false;
  branch: Branch | undefined;

  constructor(readonly spec: Spec) {}
}

interface Message {
  readonly child: Child;
  readonly type: 'exit' | 'retry';
  readonly ending: Ending;
}

export class Branch {
  readonly children: Child[] = [];
  alive = true;
  readonly #stamps: number[] = [];
  readonly #mailbox: Message[] = [];

  constructor(
    readonly spec: BranchSpec,
    readonly world: World,
    /** Hears that this supervisor ended by itself; always with `shutdown`. */
    readonly onEnd: () => void,
  ) {}

  /** @returns whether all children started; if not, those that did are stopped again. */
  start(): boolean {
    for (const spec of this.spec.children) {
      const child = new Child(spec);
      this.children.push(child);
      const started = this.#start(child);
      if (started === 'ignored' && spec.restart === 'temporary') this.#drop(child);
      if (started !== 'failed') continue;
      this.stop();
      return false;
    }
    return true;
  }

  stop(): void {
    this.alive = false;
    for (const child of [...this.children].reverse()) this.#stop(child);
  }

  /** Children die in this order, in the same tick. A leaf that ends from within says goodbye, a killed one does not. */
  die(deaths: readonly { readonly id: string; readonly ending: Ending; readonly quietly: boolean }[]): void {
    for (const { id, ending, quietly } of deaths) {
      const child = this.#find(id);
      if (child?.state !== 'running' || child.dead) continue;
      if (!quietly) this.world.log.push(`-${id}`);
      this.died(child, ending);
    }
    this.#work();
  }

  died(child: Child, ending: Ending): void {
    child.dead = true;
    this.#mailbox.push({ child, type: 'exit', ending });
  }

  terminate(id: string): string {
    const child = this.#find(id);
    if (child === undefined) return 'not_found';
    this.#stop(child);
    if (child.spec.restart === 'temporary') this.#drop(child);
    return 'ok';
  }

  restart(id: string): string {
    const child = this.#find(id);
    if (child === undefined) return 'not_found';
    if (child.state !== 'down') return child.state;
    return this.#start(child) === 'failed' ? 'failed_to_start_child' : 'ok';
  }

  delete(id: string): string {
    const child = this.#find(id);
    if (child === undefined) return 'not_found';
    if (child.state !== 'down') return child.state;
    this.#drop(child);
    return 'ok';
  }

  add(spec: LeafSpec): string {
    if (spec.significant && (this.spec.autoShutdown === 'never' || spec.restart === 'permanent'))
      return 'bad_combination';
    const present = this.#find(spec.id);
    if (present !== undefined) return present.state === 'running' ? 'already_started' : 'already_present';
    const child = new Child(spec);
    this.children.push(child);
    const started = this.#start(child);
    if (started === 'failed' || (started === 'ignored' && spec.restart === 'temporary')) this.#drop(child);
    return started === 'failed' ? 'failed_to_start_child' : 'ok';
  }

  #work(): void {
    for (let message = this.#mailbox.shift(); message !== undefined && this.alive; message = this.#mailbox.shift()) {
      const { child, type, ending } = message;
      if (type === 'retry') {
        if (child.state === 'restarting') this.#attempt(child);
      } else if (child.state === 'running' && child.dead) this.#exited(child, ending);
    }
  }

  #exited(child: Child, ending: Ending): void {
    const { restart, significant } = child.spec;
    child.state = 'down';
    if (restart === 'permanent' || (restart === 'transient' && ending === 'abnormal')) {
      this.#attempt(child);
      return;
    }
    if (restart === 'temporary') this.#drop(child);
    if (!significant || this.spec.autoShutdown === 'never') return;
    const othersLive = this.children.some((other) => other.spec.significant && other.state !== 'down');
    if (this.spec.autoShutdown === 'any_significant' || !othersLive) this.#end();
  }

  #attempt(child: Child): void {
    const { nowMs } = this.world;
    const recent = this.#stamps.filter((atMs) => atMs >= nowMs - WITHIN_MS).length;
    if (recent + 1 > this.spec.maxRestarts) {
      child.state = 'down';
      this.#end();
      return;
    }
    this.#stamps.push(nowMs);
    const group = this.#group(child);
    for (const other of [...group].reverse()) if (other !== child) this.#stop(other);
    for (const member of group) {
      if (member !== child && member.spec.restart === 'temporary') {
        this.#drop(member);
        continue;
      }
      if (this.#start(member) !== 'failed') continue;
      member.state = 'restarting';
      this.#mailbox.push({ child: member, type: 'retry', ending: 'abnormal' });
      return;
    }
  }

  #group(child: Child): Child[] {
    if (this.spec.strategy === 'one_for_one') return [child];
    return this.children.slice(this.spec.strategy === 'one_for_all' ? 0 : this.children.indexOf(child));
  }

  #start(child: Child): Started {
    const { spec } = child;
    child.dead = false;
    if (spec.kind === 'branch') {
      child.branch = new Branch(spec, this.world, () => {
        this.died(child, 'clean');
        this.#work();
      });
      if (!child.branch.start()) return 'failed';
    } else {
      this.world.log.push(`+${spec.id}`);
      if (takeOne(this.world.failures, spec.id)) return 'failed';
      if (takeOne(this.world.ignores, spec.id)) {
        child.state = 'down';
        return 'ignored';
      }
    }
    child.state = 'running';
    return 'started';
  }

  #stop(child: Child): void {
    const wasRunning = child.state === 'running' && !child.dead;
    child.state = 'down';
    if (!wasRunning) return;
    if (child.branch !== undefined) child.branch.stop();
    else this.world.log.push(`-${child.spec.id}`);
  }

  #end(): void {
    this.stop();
    this.onEnd();
  }

  #find(id: string): Child | undefined {
    return this.children.find(({ spec }) => spec.id === id);
  }

  #drop(child: Child): void {
    this.children.splice(this.children.indexOf(child), 1);
  }
}

export interface Shape {
  readonly id: string;
  readonly status: string;
  readonly children?: readonly Shape[];
}

/** Who runs, in start order. */
export function shapeOf(branch: Branch): Shape[] {
  return branch.children.map(({ spec, state, branch: below }) => ({
    id: spec.id,
    status: state === 'running' ? 'alive' : state,
    ...(state === 'running' && below !== undefined ? { children: shapeOf(below) } : {}),
  }));
}

/** Every supervisor that runs, from the root down. */
export function branchesOf(branch: Branch): Branch[] {
  if (!branch.alive) return [];
  return [
    branch,
    ...branch.children.flatMap(({ state, branch: below }) => (state === 'running' && below ? branchesOf(below) : [])),
  ];
}

/** Counts down a planned mishap. */
export function takeOne(plan: Map<string, number>, id: string): boolean {
  const left = plan.get(id) ?? 0;
  if (left > 0) plan.set(id, left - 1);
  return left > 0;
}
