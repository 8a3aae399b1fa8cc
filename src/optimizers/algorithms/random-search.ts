/** Uniform draws. Nothing is tried twice; a space that can be counted is done when all of it was tried. */

import { Ground } from './ground.js';
import type { Candidate, Optimizer, StudyPlan, Suggestion } from './optimizer.js';
import { searchSpace } from './search-space.js';
import { seededRandom } from './seeded-random.js';

/** Config: `seed`. */
export function randomSearch(plan: StudyPlan): Optimizer {
  const space = searchSpace(plan, ['seed']);
  const random = seededRandom(plan.config, plan.random);
  const ground = new Ground(space);
  ground.take(plan.variables.map(({ value }) => value));
  return {
    ask(): Suggestion {
      const values = ground.draw(random);
      if (values === undefined) return { type: 'done' };
      ground.take(values);
      return { type: 'candidate', values };
    },
    /** Results do not matter; what others have tried is not tried again. */
    tell(values: Candidate): void {
      ground.take(values);
    },
  };
}
