/** The compiled package in `dist/`. Incremental: a second run only looks at dates. */

import process from 'node:process';
import { runQuiet } from './child.mjs';
import { SetupFailure } from './failure.mjs';
import { programs } from './paths.mjs';
import { step } from './progress.mjs';

export async function ensureBuild() {
  await step('build', async () => {
    const { ok, output, log } = await runQuiet('build', process.execPath, [programs.tsc, '-b', 'tsconfig.build.json']);
    if (!ok)
      throw new SetupFailure('the TypeScript sources do not compile', `Mend what is said above. Log: ${log}`, {
        detail: output,
      });
  });
}
