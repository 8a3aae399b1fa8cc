// `npm start`: installs what is missing, then runs the main job, the triage example.
import './node-version.mjs';
import process from 'node:process';
import { runLoud } from './child.mjs';
import { runEntry } from './entry.mjs';
import { inRoot, venvPython } from './paths.mjs';
import { makeReady, RUNNING } from './ready.mjs';

await runEntry(async () => {
  await makeReady(RUNNING);
  const job = inRoot('dist', 'docs', 'examples', 'triage', 'main.js');
  return runLoud(process.execPath, [job, ...process.argv.slice(2)], {
    env: { ...process.env, COILYARD_PYTHON: venvPython },
  });
});
