// npm runs this after an installation in a clone and before packing: it builds the package where that can be done.
import './node-version.mjs';
import { existsSync } from 'node:fs';
import process from 'node:process';
import { ensureBuild } from './build.mjs';
import { runEntry } from './entry.mjs';
import { BUILD_FOLLOWS } from './node-packages.mjs';
import { programs } from './paths.mjs';

await runEntry(async () => {
  if (process.env[BUILD_FOLLOWS] !== undefined) return;
  if (!existsSync(programs.tsc)) return; // An installation without development packages has nothing to build with.
  await ensureBuild();
});
