/** What the workers of a pool have in common, as a launcher sees it: of two equal ones one warm interpreter is enough. */

import type { WorkerEnvironment } from './launcher.js';
import { blasEnvironment } from './pool-limits.js';
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
