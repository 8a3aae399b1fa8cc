// `npm test [-- --fast]`: every check, then every test of both languages. The first check that fails ends it; of the two
// test suites both run. The last line is always `N passed, N failed`; a check that fails counts as one failure.
import './node-version.mjs';
import process from 'node:process';
import { NO_TESTS, closingLine, sum } from './counts.mjs';
import { reportFailure, runEntry } from './entry.mjs';
import { Interrupted, SetupFailure } from './failure.mjs';
import { checks, suites } from './gate.mjs';
import { DEVELOPING, makeBuildReady, makeToolsReady } from './ready.mjs';

const args = process.argv.slice(2);

await runEntry(async () => {
  let counts = NO_TESTS;
  let ok = false;
  try {
    const unknown = args.find((arg) => arg !== '--fast');
    if (unknown !== undefined)
      throw new SetupFailure(
        `npm test does not know "${unknown}"`,
        'It takes --fast or nothing; see CONTRIBUTING.md for single tests.',
      );
    await makeToolsReady(DEVELOPING);
    await runChecks();
    await makeBuildReady();
    for (const suite of suites(args.includes('--fast'))) {
      console.log(`\n${suite.title}`);
      counts = sum(counts, await suite.run());
    }
    ok = counts.failed === 0;
  } catch (error) {
    if (error instanceof Interrupted) throw error;
    reportFailure(error);
    counts = sum(counts, { passed: 0, failed: 1, skipped: 0 });
  }
  if (counts.skipped > 0) console.log(`\n${counts.skipped} skipped, for the reasons printed above`);
  console.log(`\n${closingLine(counts)}`);
  return { code: ok ? 0 : 1, signal: null };
});

async function runChecks() {
  for (const { title, run } of checks) {
    const startedAtMs = performance.now();
    const { ok, output } = await run();
    const seconds = ((performance.now() - startedAtMs) / 1000).toFixed(1);
    console.log(`${ok ? 'ok  ' : 'FAIL'}  ${title.padEnd(20)} ${seconds.padStart(5)} s`);
    if (!ok)
      throw new SetupFailure(`the check "${title}" failed`, 'What it said is above.', { detail: output.trimEnd() });
  }
}
