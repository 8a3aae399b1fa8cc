import fc from 'fast-check';
import { expect, test } from 'vitest';
import { builtInOptimizers } from '../../src/optimizers/algorithms/built-in.js';
import type { Candidate, StudyVariable, TrialResult } from '../../src/optimizers/algorithms/optimizer.js';
import { bestAndLatest, Recollection } from '../../src/optimizers/algorithms/recollection.js';
import type { Direction } from '../../src/variables/optimization.js';
import { builtInTypes } from '../../src/variables/types/registry.js';
import { anOptimizer, aVariable, complete, failed } from '../unit/optimizers/algorithms/runs.js';

const types = [...builtInOptimizers.keys()];

/** A number of its type, with bounds and steps of every size, and a present value that may lie anywhere. */
const floats: fc.Arbitrary<StudyVariable> = fc
  .record({
    min: fc.double({ min: -1e6, max: 1e6, noNaN: true }),
    width: fc.oneof(fc.double({ min: 0, max: 100, noNaN: true }), fc.constantFrom(0, 1e-12, 1e12)),
    step: fc.option(fc.constantFrom(0.1, 0.25, 1, 7, 1 / 3), { nil: undefined }),
    value: fc.double({ min: -2e6, max: 2e6, noNaN: true }),
  })
  .map(({ min, width, step, value }) =>
    aVariable('v', 'float', value, { min, max: min + width, ...(step === undefined ? {} : { step }) }),
  );

const integers: fc.Arbitrary<StudyVariable> = fc
  .record({
    min: fc.oneof(fc.bigInt({ min: -20n, max: 20n }), fc.bigInt({ min: -(2n ** 70n), max: 2n ** 70n })),
    width: fc.oneof(fc.bigInt({ min: 0n, max: 12n }), fc.bigInt({ min: 0n, max: 2n ** 80n })),
    step: fc.option(fc.constantFrom(1, 2, 3n, 10), { nil: undefined }),
    value: fc.integer(),
  })
  .map(({ min, width, step, value }) =>
    aVariable('v', 'integer', value, { min, max: min + width, ...(step === undefined ? {} : { step }) }),
  );

const texts = fc.uniqueArray(fc.string({ unit: 'grapheme', maxLength: 3 }), { minLength: 1, maxLength: 4 });

const listed: fc.Arbitrary<StudyVariable> = fc.oneof(
  fc.boolean().map((value) => aVariable('v', 'boolean', value)),
  texts.map((choices) => aVariable('v', 'choice', choices[0], { choices })),
  texts.map((choices) => aVariable('v', 'module', choices[0], { choices })),
  texts.map((words) => aVariable('v', 'string', words[0], { enum: words })),
);

const smallIntegers: fc.Arbitrary<StudyVariable> = fc
  .record({
    min: fc.integer({ min: -5, max: 5 }),
    width: fc.nat(6),
    step: fc.integer({ min: 1, max: 3 }),
    value: fc.integer(),
  })
  .map(({ min, width, step, value }) => aVariable('v', 'integer', value, { min, max: min + width, step }));

const named = (variable: fc.Arbitrary<StudyVariable>, most: number): fc.Arbitrary<StudyVariable[]> =>
  fc
    .array(variable, { minLength: 1, maxLength: most })
    .map((variables) => variables.map((each, place) => ({ ...each, name: `v${place}` })));

/** Without one bound or both. */
const open: fc.Arbitrary<StudyVariable> = fc
  .tuple(fc.oneof(floats, integers), fc.constantFrom<readonly string[]>(['min'], ['max'], ['min', 'max']))
  .map(([variable, dropped]) => ({
    ...variable,
    constraints: Object.fromEntries(Object.entries(variable.constraints).filter(([key]) => !dropped.includes(key))),
  }));

const numbers = named(fc.oneof(floats, integers, open), 3);
const anything = named(fc.oneof(floats, integers, listed), 3);
/** Every number of these is counted. */
const counted = named(fc.oneof(smallIntegers, listed), 3);

const study = fc.constantFrom(...types, 'spsa').chain((type) =>
  fc.record({
    type: fc.constant(type === 'spsa' ? 'gradient' : type),
    variables: type === 'gradient' || type === 'spsa' ? numbers : anything,
    config: fc.nat().map((seed) => ({
      ...(type === 'grid_search' ? {} : { seed }),
      ...(type === 'spsa' ? { method: 'spsa' } : {}),
    })),
    direction: fc.constantFrom<Direction>('maximize', 'minimize'),
  }),
);

const result: fc.Arbitrary<TrialResult> = fc.oneof(
  { weight: 4, arbitrary: fc.double({ min: -1, max: 1, noNaN: true }).map(complete) },
  fc.constantFrom(0, -0, 1, 1e300, -1e300, Number.MAX_VALUE, -Number.MAX_VALUE, 5e-324, -1e-310).map(complete),
  fc.constant(failed),
);
/** Constant, failing, wild, or of every size: one run has scores of one kind. */
const results: fc.Arbitrary<readonly TrialResult[]> = fc.oneof(
  result.map((one) => [one]),
  fc.array(result, { minLength: 1, maxLength: 30 }),
  fc.array(fc.double({ noDefaultInfinity: true, noNaN: true }).map(complete), { minLength: 1, maxLength: 30 }),
);

/** Runs with up to `parallel` trials at a time, the present values first. Answers what was proposed, in order. */
function proposals(
  {
    type,
    variables,
    config,
    direction,
  }: { type: string; variables: StudyVariable[]; config: object; direction: Direction },
  outcomes: readonly TrialResult[],
  { iterations = 25, parallel = 1 } = {},
): Candidate[] {
  const optimizer = anOptimizer(type, { variables, config: { ...config }, direction, maxIterations: iterations });
  const running: Candidate[] = [variables.map(({ value }) => value)];
  const proposed: Candidate[] = [];
  let told = 0;
  const tellOne = (): void => {
    // Trials end in another order than they began.
    const [values] = running.splice((told * 7) % running.length, 1);
    optimizer.tell(values ?? [], outcomes[told % outcomes.length] ?? failed);
    told += 1;
  };
  while (proposed.length < iterations) {
    const suggestion = running.length < parallel || running.length === 0 ? optimizer.ask() : undefined;
    if (suggestion?.type === 'candidate') {
      proposed.push(suggestion.values);
      running.push(suggestion.values);
    } else if (running.length > 0) tellOne();
    else {
      expect(suggestion).toEqual({ type: 'done' });
      return proposed;
    }
  }
  return proposed;
}

const parallel = fc.integer({ min: 1, max: 6 });

test('every candidate has the type of its variables and keeps to bounds, steps and choices, whatever the scores', () => {
  fc.assert(
    fc.property(study, results, parallel, (plan, outcomes, atOnce) => {
      const checks = plan.variables.map(({ type, constraints }) => builtInTypes.compile(type, constraints));
      for (const values of proposals(plan, outcomes, { parallel: atOnce })) {
        expect(values.length).toBe(checks.length);
        for (const [place, check] of checks.entries())
          expect(check(values[place], undefined)).toEqual({ ok: true, value: values[place] });
      }
    }),
    { numRuns: 150 },
  );
});

test('the same seed makes the same run', () => {
  fc.assert(
    fc.property(study, results, parallel, (plan, outcomes, atOnce) => {
      const run = (): Candidate[] => proposals(plan, outcomes, { parallel: atOnce });
      expect(run()).toEqual(run());
    }),
    { numRuns: 40 },
  );
});

/** All combinations of small variables, by hand. */
function productOf(variables: readonly StudyVariable[]): string[] {
  const valuesOf = ({ type, constraints }: StudyVariable): readonly unknown[] => {
    if (type === 'boolean') return [false, true];
    const words = constraints.choices ?? constraints.enum;
    if (Array.isArray(words)) return words;
    const values: number[] = [];
    for (let value = Number(constraints.min); value <= Number(constraints.max); value += Number(constraints.step))
      values.push(value);
    return values;
  };
  return variables
    .reduce<unknown[][]>(
      (all, variable) => all.flatMap((head) => valuesOf(variable).map((value) => [...head, value])),
      [[]],
    )
    .map((values) => JSON.stringify(values));
}

test('a grid, and any search of a space that can be counted, tries each combination once, whatever happens to the trials', () => {
  const everything = fc.constantFrom('grid_search', 'random_search', 'bayesian');
  fc.assert(
    fc.property(everything, counted, results, parallel, (type, variables, outcomes, atOnce) => {
      const whole = productOf(variables);
      fc.pre(type !== 'bayesian' || whole.length <= 40);
      const config = type === 'grid_search' ? {} : { seed: 1 };
      const plan = { type, variables, config, direction: 'maximize' } as const;
      const present = JSON.stringify(variables.map(({ value }) => value));
      const proposed = proposals(plan, outcomes, { iterations: 10_000, parallel: atOnce }).map((values) =>
        JSON.stringify(values),
      );
      expect(proposed.toSorted()).toEqual(whole.filter((values) => values !== present).sort());
    }),
    { numRuns: 80 },
  );
});

test('what was told of foreign trials is not proposed again where values can be counted', () => {
  fc.assert(
    fc.property(
      fc.constantFrom('grid_search', 'random_search', 'bayesian'),
      counted,
      result,
      (type, variables, outcome) => {
        const config = type === 'grid_search' ? {} : { seed: 2 };
        const plan = { type, variables, config, direction: 'maximize' } as const;
        const foreign = proposals(plan, [outcome], { iterations: 3 });
        const optimizer = anOptimizer(type, { variables, config });
        for (const values of foreign) optimizer.tell(values, outcome);
        const next = optimizer.ask();
        if (next.type === 'candidate') expect(foreign).not.toContainEqual(next.values);
      },
    ),
    { numRuns: 80 },
  );
});

test('an optimizer takes being told of values that it could never have proposed', () => {
  const foreign = fc.array(fc.oneof(fc.anything(), fc.double(), fc.bigInt()), { maxLength: 4 });
  fc.assert(
    fc.property(study, fc.array(fc.tuple(foreign, result), { maxLength: 10 }), (plan, trials) => {
      const optimizer = anOptimizer(plan.type, { ...plan });
      for (const [values, outcome] of trials) optimizer.tell(values, outcome);
      expect(['candidate', 'wait', 'done']).toContain(optimizer.ask().type);
    }),
    { numRuns: 100 },
  );
});

test('what is forgotten of the trials is never among the best and the latest of them', () => {
  const score = fc.option(fc.integer({ min: 0, max: 5 }), { nil: undefined });
  fc.assert(
    fc.property(fc.array(score, { maxLength: 60 }), fc.constantFrom(2, 6, 10), (scores, most) => {
      const recollection = new Recollection(most);
      for (const [place, each] of scores.entries()) recollection.add({ values: [place], point: [], score: each });
      const worst = Math.min(...scores.map((each) => each ?? Infinity));
      const all = scores.map((each) => each ?? worst);
      const wanted = bestAndLatest(all, most);
      const { trials, scores: recalled } = recollection.recall();
      expect(trials.map(({ values }) => values[0])).toEqual(wanted);
      expect(recalled).toEqual(wanted.map((place) => all[place]));
      expect([recollection.size, recollection.isScored]).toEqual([scores.length, worst < Infinity]);
    }),
    { numRuns: 300 },
  );
});
