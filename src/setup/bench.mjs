// `npm run bench [-- name…]`: compiles test/bench and runs the benchmarks named, else all of them, one after another.
import './node-version.mjs';
import { readdirSync } from 'node:fs';
import process from 'node:process';
import { runLoud, runQuiet } from './child.mjs';
import { runEntry } from './entry.mjs';
import { Interrupted, SetupFailure } from './failure.mjs';
import { inRoot, programs, venvPython } from './paths.mjs';
import { makeReady, RUNNING } from './ready.mjs';

/** What the benchmarks share; these run nothing themselves. */
const HELPERS = ['measure', 'servers'];

await runEntry(async () => {
  const known = readdirSync(inRoot('test', 'bench'))
    .filter((name) => name.endsWith('.ts'))
    .map((name) => name.slice(0, -3))
    .filter((name) => !HELPERS.includes(name));
  const asked = process.argv.slice(2);
  const unknown = asked.find((name) => !known.includes(name));
  if (unknown !== undefined)
    throw new SetupFailure(`there is no benchmark "${unknown}"`, `There are: ${known.join(', ')}.`);
  await makeReady(RUNNING);
  const { ok, output } = await runQuiet('bench-build', process.execPath, [
    programs.tsc,
    '-p',
    'test/bench/tsconfig.json',
  ]);
  if (!ok) throw new SetupFailure('the benchmarks do not compile', 'What is wrong is above.', { detail: output });
  for (const name of asked.length > 0 ? asked : known) {
    const program = inRoot('.cache', 'bench', 'test', 'bench', `${name}.js`);
    const { code, signal, told } = await runLoud(process.execPath, ['--expose-gc', program], {
      env: { ...process.env, NODE_ENV: 'production', COILYARD_PYTHON: venvPython },
    });
    if (told !== undefined) throw new Interrupted(told);
    if (code !== 0) return { code, signal };
  }
});
