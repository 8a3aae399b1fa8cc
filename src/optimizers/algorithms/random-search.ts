/** Uniform draws. Nothing is tried twice; a space that can be counted is done when all of it was tried. */

import { Ground } from './ground.js';
import type { Candidate, Optimizer, StudyPlan, Suggestion } from './optimizer.js';
import { searchSpace } from './search-space.js';
import { seededRandom } from './seeded-random.js';
import type { Work } from './work.js';

/** Config: `seed`. */
export function* randomSearch(plan: StudyPlan): Work<Optimizer> {
  const space = yield* searchSpace(plan, ['seed']);
  const random = seededRandom(plan.config, plan.random);
  const ground = new Ground(space);
  yield* ground.take(plan.variables.map(({ value }) => value));
  return {
    *ask(): Work<Suggestion> {
      const values = yield* ground.draw(random);
      if (values === undefined) return { type: 'done' };
      yield* ground.take(values);
      return { type: 'candidate', values };
    },
    /** Results do not matter; what others have tried is not tried again. */
    tell: (values: Candidate): Work<void> => ground.take(values),
  };
}
