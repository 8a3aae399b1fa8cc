// `npm run setup`: everything that work on this repository needs.
import './node-version.mjs';
import process from 'node:process';
import { runEntry } from './entry.mjs';
import { DEVELOPING, makeReady } from './ready.mjs';

await runEntry(async () => {
  await makeReady(DEVELOPING);
  console.log(`Ready, with Node ${process.versions.node}. Next: npm start, npm test, npm run check, npm run dev.`);
});
