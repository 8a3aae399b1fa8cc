import type { Random } from '../../../../src/kernel/clock.js';
import { CoilyardError } from '../../../../src/kernel/errors.js';
import { builtInOptimizers } from '../../../../src/optimizers/algorithms/built-in.js';
import type {
  Candidate,
  Optimizer,
  StudyVariable,
  Suggestion,
  TrialResult,
} from '../../../../src/optimizers/algorithms/optimizer.js';
import { type Answer, isWork } from '../../../../src/optimizers/algorithms/work.js';
import type { Direction } from '../../../../src/variables/optimization.js';
import type { Constraints } from '../../../../src/variables/variable.js';

/** Always the same numbers: what a test wants to vary, it varies by `seed`. */
export const fixedRandom: Random = { next: () => 0.5, token: () => '', uuid: () => '' };

export const aVariable = (
  name: string,
  type: string,
  value: unknown,
  constraints: Constraints = {},
): StudyVariable => ({
  name,
  type,
  value,
  constraints,
});

export const aFloat = (name: string, min: number, max: number, value = min): StudyVariable =>
  aVariable(name, 'float', value, { min, max });

export const complete = (score: number): TrialResult => ({ state: 'complete', score, metrics: {} });
export const failed: TrialResult = { state: 'failed' };

export interface Plan {
  readonly variables: readonly StudyVariable[];
  readonly config?: Readonly<Record<string, unknown>>;
  readonly direction?: Direction;
  readonly maxIterations?: number;
  readonly random?: Random;
}

/** What an answer comes to, all its pieces in a row. */
export function atOnce<T>(answer: Answer<T>): T {
  if (answer instanceof Promise) throw new TypeError('expected an answer that nothing has to be waited for');
  if (!isWork(answer)) return answer;
  for (;;) {
    const { done, value } = answer.next();
    if (done === true) return value;
  }
}

export function anOptimizerInPieces(
  type: string,
  { variables, config = {}, direction = 'maximize', maxIterations = 100, random = fixedRandom }: Plan,
): Optimizer {
  const factory = builtInOptimizers.get(type);
  if (factory === undefined) throw new TypeError(`there is no optimizer ${type}`);
  return atOnce(factory({ variables, direction, maxIterations, config, random }));
}

/** One that answers at once. */
export interface PromptOptimizer {
  ask(): Suggestion;
  tell(values: Candidate, result: TrialResult): void;
  readonly sweeps: boolean | undefined;
}

export function anOptimizer(type: string, plan: Plan): PromptOptimizer {
  const optimizer = anOptimizerInPieces(type, plan);
  return {
    ask: () => atOnce(optimizer.ask()),
    tell: (values, result) => atOnce(optimizer.tell(values, result)),
    sweeps: optimizer.sweeps,
  };
}

/** The refusal of a plan: its message. */
export function refusalOf(type: string, plan: Plan): string {
  try {
    anOptimizer(type, plan);
  } catch (error) {
    if (error instanceof CoilyardError && error.code === 'invalid_argument') return error.message;
    throw error;
  }
  return 'no refusal';
}

export interface Trial {
  readonly values: Candidate;
  /** `undefined`: it failed. */
  readonly score: number | undefined;
}

export interface Run {
  readonly trials: readonly Trial[];
  readonly best: Trial;
  /** Whether it said so before its iterations were used up. */
  readonly isDone: boolean;
}

/** A run as a study makes it: the present values first, then one trial after the other. A score that is not finite fails. */
export function run(type: string, plan: Plan, objective: (...values: never[]) => number): Run {
  const { variables, direction = 'maximize', maxIterations = 100 } = plan;
  const optimizer = anOptimizer(type, plan);
  const trials: Trial[] = [];
  const attempt = (values: Candidate): void => {
    const score: unknown = Reflect.apply(objective, undefined, [...values]);
    const isScore = typeof score === 'number' && Number.isFinite(score);
    trials.push({ values, score: isScore ? score : undefined });
    optimizer.tell(values, isScore ? complete(score) : failed);
  };
  attempt(variables.map(({ value }) => value));
  let isDone = false;
  while (trials.length < maxIterations && !isDone) {
    const suggestion = optimizer.ask();
    if (suggestion.type === 'wait') throw new TypeError('nothing runs that could be waited for');
    if (suggestion.type === 'done') isDone = true;
    else attempt(suggestion.values);
  }
  const sign = direction === 'maximize' ? 1 : -1;
  const worth = ({ score }: Trial): number => (score === undefined ? -Infinity : sign * score);
  return { trials, best: trials.reduce((best, trial) => (worth(trial) > worth(best) ? trial : best)), isDone };
}

export const median = (numbers: readonly number[]): number =>
  numbers.toSorted((one, other) => one - other)[Math.floor(numbers.length / 2)] ?? Number.NaN;
