import fc from 'fast-check';
import { expect, test } from 'vitest';
import { ManualClock, settle } from '../../src/testing/manual-clock.js';
import {
  CoilyardError,
  exitReason,
  IGNORE,
  type Process,
  type ProcessContext,
  spawn,
  startSupervisor,
  type Supervisor,
  type TreeNode,
} from '../../supervisors/index.js';
import {
  Branch,
  type BranchSpec,
  branchesOf,
  type LeafSpec,
  type Shape,
  type Spec,
  shapeOf,
  takeOne,
  WITHIN_MS,
  type World,
} from './supervisors-model.js';

/** The real thing, built from the same specs, with the same mishaps. */
class Real {
  readonly log: string[] = [];
  readonly clock = new ManualClock();
  readonly failures = new Map<string, number>();
  readonly ignores = new Map<string, number>();
  readonly leaves = new Map<string, ProcessContext>();
  readonly supervisors = new Map<string, Supervisor>();

  async start(spec: BranchSpec, parent?: Process): Promise<Supervisor> {
    const { id, strategy, autoShutdown, maxRestarts, children } = spec;
    const supervisor = await startSupervisor({
      ...(parent === undefined ? {} : { parent }),
      label: id,
      strategy,
      autoShutdown,
      maxRestarts,
      withinMs: WITHIN_MS,
      clock: this.clock,
      children: children.map((child) => this.childSpec(child)),
    });
    this.supervisors.set(id, supervisor);
    return supervisor;
  }

  childSpec(spec: Spec) {
    const { id, restart, significant } = spec;
    const type = spec.kind === 'branch' ? ('supervisor' as const) : ('worker' as const);
    const start = (self: Process) => (spec.kind === 'branch' ? this.start(spec, self) : this.leaf(id, self));
    return { id, restart, significant, type, start };
  }

  leaf(id: string, parent: Process) {
    return spawn({
      parent,
      trapExit: true,
      init: (context) => {
        this.log.push(`+${id}`);
        if (takeOne(this.failures, id)) throw new Error(`${id} fails`);
        if (takeOne(this.ignores, id)) return IGNORE;
        this.leaves.set(id, context);
        return undefined;
      },
      terminate: () => void this.log.push(`-${id}`),
    });
  }
}

type Ending = 'clean' | 'abnormal';
type Command =
  | {
      readonly type: 'die';
      readonly branch: number;
      readonly picks: readonly number[];
      readonly ending: Ending;
      readonly quietly: boolean;
    }
  | { readonly type: 'terminate' | 'restart' | 'delete'; readonly branch: number; readonly pick: number }
  | { readonly type: 'add'; readonly branch: number; readonly pick: number; readonly leaf: Omit<LeafSpec, 'id'> }
  | { readonly type: 'mishap'; readonly pick: number; readonly times: number; readonly plan: 'failures' | 'ignores' }
  | { readonly type: 'wait'; readonly ms: number };

/** Applies a command to both and says what each answered. */
async function apply(command: Command, root: Branch, world: World, real: Real): Promise<[string, string]> {
  if (command.type === 'wait') {
    world.nowMs += command.ms;
    await real.clock.advance(command.ms);
    return ['ok', 'ok'];
  }
  if (command.type === 'mishap') {
    const ids = [...real.leaves.keys()];
    const id = ids[command.pick % ids.length] ?? 'none';
    world[command.plan].set(id, command.times);
    real[command.plan].set(id, command.times);
    return ['ok', 'ok'];
  }
  const branches = branchesOf(root);
  const branch = branches[command.branch % branches.length] ?? root;
  const supervisor = real.supervisors.get(branch.spec.id);
  if (supervisor === undefined) throw new Error(`${branch.spec.id} never started`);
  switch (command.type) {
    case 'die': {
      const running = branch.children.filter(({ spec, state }) => spec.kind === 'leaf' && state === 'running');
      const ids = new Set(command.picks.flatMap((pick) => running[pick % running.length]?.spec.id ?? []));
      const reason = command.ending === 'clean' ? exitReason.normal : exitReason.custom('crash');
      for (const id of ids) {
        const leaf = real.leaves.get(id);
        if (command.quietly) leaf?.process.exit(exitReason.killed);
        else leaf?.exit(reason);
      }
      const ending = command.quietly ? 'abnormal' : command.ending;
      branch.die([...ids].map((id) => ({ id, ending, quietly: command.quietly })));
      return ['ok', 'ok'];
    }
    case 'add': {
      // One of two ids of its own in each supervisor; a child's id now and then, which must be refused.
      const own = `${branch.spec.id}+${command.pick % 2}`;
      const taken = branch.children[command.pick % (4 * branch.children.length)]?.spec.id;
      const leaf: LeafSpec = { ...command.leaf, id: taken ?? own };
      return [branch.add(leaf), await answer(supervisor.startChild(real.childSpec(leaf)))];
    }
    default: {
      const id = branch.children[command.pick % (branch.children.length + 1)]?.spec.id ?? 'none';
      const ask = { terminate: 'terminateChild', restart: 'restartChild', delete: 'deleteChild' } as const;
      return [branch[command.type](id), await answer(supervisor[ask[command.type]](id))];
    }
  }
}

async function answer(asked: Promise<unknown>): Promise<string> {
  try {
    await asked;
    return 'ok';
  } catch (error) {
    return error instanceof CoilyardError ? String(error.details.reason) : String(error);
  }
}

const shapeOfTree = ({ id, status, children }: TreeNode): Shape => ({
  id,
  status,
  ...(children === undefined ? {} : { children: children.map(shapeOfTree) }),
});

const restart = fc.constantFrom('permanent' as const, 'transient' as const, 'temporary' as const);
const strategy = fc.constantFrom('one_for_one' as const, 'one_for_all' as const, 'rest_for_one' as const);
const autoShutdown = fc.constantFrom(
  'never' as const,
  'never' as const,
  'any_significant' as const,
  'all_significant' as const,
);

/** A tree without ids, and with significant children wherever they are wished for. */
type Sketch = Omit<LeafSpec, 'id'> | (Omit<BranchSpec, 'id' | 'children'> & { readonly children: readonly Sketch[] });

const leafSketch = fc.record({ kind: fc.constant('leaf' as const), restart, significant: fc.boolean() });
const branchSketch = (depth: number): fc.Arbitrary<Extract<Sketch, { kind: 'branch' }>> =>
  fc.record({
    kind: fc.constant('branch' as const),
    restart,
    significant: fc.boolean(),
    strategy,
    autoShutdown,
    maxRestarts: fc.integer({ min: 0, max: 4 }),
    children: fc.array(
      depth === 0
        ? leafSketch
        : fc.oneof({ weight: 3, arbitrary: leafSketch }, { weight: 1, arbitrary: branchSketch(depth - 1) }),
      { minLength: 1, maxLength: 4 },
    ),
  });

/** Names the nodes and keeps only the significant children that are allowed (S16). */
function named(sketch: Extract<Sketch, { kind: 'branch' }>, id: string): BranchSpec {
  const children = sketch.children.map((child, index): Spec => {
    const significant = child.significant && sketch.autoShutdown !== 'never' && child.restart !== 'permanent';
    const spec = child.kind === 'branch' ? named(child, `${id}${index}`) : { ...child, id: `${id}${index}` };
    return { ...spec, significant };
  });
  return { ...sketch, id, children };
}

const pick = fc.nat({ max: 100 });
const command: fc.Arbitrary<Command> = fc.oneof(
  {
    weight: 6,
    arbitrary: fc.record({
      type: fc.constant('die' as const),
      branch: pick,
      picks: fc.array(pick, { minLength: 1, maxLength: 4 }),
      ending: fc.constantFrom('clean' as const, 'abnormal' as const),
      quietly: fc.boolean(),
    }),
  },
  {
    weight: 3,
    arbitrary: fc.record({
      type: fc.constantFrom('terminate' as const, 'restart' as const, 'delete' as const),
      branch: pick,
      pick,
    }),
  },
  { weight: 1, arbitrary: fc.record({ type: fc.constant('add' as const), branch: pick, pick, leaf: leafSketch }) },
  {
    weight: 2,
    arbitrary: fc.record({
      type: fc.constant('mishap' as const),
      pick,
      times: fc.integer({ min: 1, max: 3 }),
      plan: fc.constantFrom('failures' as const, 'ignores' as const),
    }),
  },
  {
    weight: 2,
    arbitrary: fc.record({ type: fc.constant('wait' as const), ms: fc.constantFrom(1, 500, 999, 1000, 1001) }),
  },
);

test('any tree does under any commands what the model does: order, states, answers, budgets and ends', async () => {
  await fc.assert(
    fc.asyncProperty(branchSketch(2), fc.array(command, { maxLength: 40 }), async (sketch, commands) => {
      const spec = named(sketch, 'n');
      const world: World = { log: [], nowMs: 0, failures: new Map(), ignores: new Map() };
      const root = new Branch(spec, world, () => {});
      const real = new Real();
      root.start();
      const supervisor = await real.start(spec);
      for (const next of commands) {
        if (!root.alive) break;
        const [expected, answered] = await apply(next, root, world, real);
        await settle();
        expect(answered).toBe(expected);
        expect(real.log.splice(0)).toEqual(world.log.splice(0));
        expect(supervisor.alive).toBe(root.alive);
        if (root.alive) expect(supervisor.tree().children?.map(shapeOfTree)).toEqual(shapeOf(root));
      }
      if (root.alive) {
        root.stop();
        expect(await supervisor.stop()).toEqual({ reason: exitReason.normal, killed: [], failed: [] });
      } else expect(await supervisor.exited).toEqual(exitReason.shutdown);
      expect(real.log).toEqual(world.log);
      expect([...real.leaves.values()].filter(({ process }) => process.alive)).toEqual([]);
      expect(real.clock.pendingTimers).toBe(0);
    }),
    { numRuns: 1000 },
  );
});
