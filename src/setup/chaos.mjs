// `npm run chaos`: the long run of the chaos tests, 30 cycles under 200 calls at the same time.
import './node-version.mjs';
import process from 'node:process';
import { runLoud } from './child.mjs';
import { runEntry } from './entry.mjs';
import { Interrupted } from './failure.mjs';
import { programs, venvPython } from './paths.mjs';
import { DEVELOPING, makeToolsReady } from './ready.mjs';

await runEntry(async () => {
  await makeToolsReady(DEVELOPING);
  const long = { COILYARD_CHAOS_CYCLES: '30', COILYARD_CHAOS_CALLS: '200' };
  const { code, signal, told } = await runLoud(
    process.execPath,
    [programs.vitest, 'run', '--project', 'real', 'test/chaos', '--reporter=verbose', '--disable-console-intercept'],
    { env: { ...long, ...process.env, COILYARD_PYTHON: venvPython } },
  );
  if (told !== undefined) throw new Interrupted(told);
  return { code, signal };
});
