/** The optimizers that every runtime has, by the name under which a study asks for them. */

import { bayesian } from './bayesian.js';
import { gradient } from './gradient.js';
import { gridSearch } from './grid-search.js';
import type { OptimizerFactory } from './optimizer.js';
import { randomSearch } from './random-search.js';

export const builtInOptimizers: ReadonlyMap<string, OptimizerFactory> = new Map([
  ['bayesian', bayesian],
  ['gradient', gradient],
  ['grid_search', gridSearch],
  ['random_search', randomSearch],
]);
