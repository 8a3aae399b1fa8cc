/** What the workers of a pool have in common, as a launcher sees it: of two equal ones one warm interpreter is enough. */

import type { WorkerEnvironment } from './launcher.js';
import type { PoolSettings } from './pool-options.js';

export const environmentOf = (settings: PoolSettings): WorkerEnvironment => ({
  ...(settings.python === undefined ? {} : { python: settings.python }),
  imports: settings.imports,
  paths: settings.paths,
  preload: settings.preload,
  env: { ...blasEnvironment(settings.blasThreads), ...settings.env },
  start: settings.start,
  startTimeoutMs: settings.startTimeoutMs,
});

/** What tells the numerical libraries how many threads to start. */
const blasEnvironment = (threads: number): Readonly<Record<string, string>> =>
  Object.fromEntries(
    [
      'OMP_NUM_THREADS',
      'OPENBLAS_NUM_THREADS',
      'MKL_NUM_THREADS',
      'NUMEXPR_NUM_THREADS',
      'VECLIB_MAXIMUM_THREADS',
      'BLIS_NUM_THREADS',
    ].map((name) => [name, String(threads)]),
  );
