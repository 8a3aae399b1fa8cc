/** How many tests passed and failed, from the reports that the test runners write for programs. */

/** @typedef {{ readonly passed: number, readonly failed: number, readonly skipped: number }} Counts */

/** @type {Counts} */
export const NO_TESTS = { passed: 0, failed: 0, skipped: 0 };

/**
 * @param {Counts} one
 * @param {Counts} other
 * @returns {Counts}
 */
export const sum = (one, other) => ({
  passed: one.passed + other.passed,
  failed: one.failed + other.failed,
  skipped: one.skipped + other.skipped,
});

/**
 * A file that could not even be loaded counts as one failure.
 *
 * @param {string} json the report of vitest
 * @returns {Counts}
 */
export function countVitest(json) {
  const report = JSON.parse(json);
  /** @type {readonly { status: string, assertionResults: readonly unknown[] }[]} */
  const files = report.testResults;
  const unloadable = files.filter(
    ({ status, assertionResults }) => status === 'failed' && assertionResults.length === 0,
  );
  return {
    passed: report.numPassedTests,
    failed: report.numFailedTests + unloadable.length,
    skipped: report.numPendingTests + report.numTodoTests,
  };
}

/**
 * @param {string} xml the report of pytest, in JUnit's format
 * @returns {Counts}
 */
export function countPytest(xml) {
  const suites = [...xml.matchAll(/<testsuite\s[^>]*>/g)].map(([tag]) => {
    const attribute = (/** @type {string} */ name) => Number(new RegExp(`\\s${name}="(\\d+)"`).exec(tag)?.[1] ?? 0);
    const failed = attribute('failures') + attribute('errors');
    const skipped = attribute('skipped');
    return { passed: Math.max(0, attribute('tests') - failed - skipped), failed, skipped };
  });
  return suites.reduce(sum, NO_TESTS);
}

/**
 * What a suite counts for: one that fails without a failed test (it did not start, or an error came outside any test)
 * has failed once.
 *
 * @param {boolean} ok whether its runner ended well
 * @param {Counts | undefined} counts `undefined`: it wrote no report
 * @returns {Counts}
 */
export function judged(ok, counts) {
  const known = counts ?? NO_TESTS;
  if (ok && counts !== undefined) return known;
  return { ...known, failed: Math.max(1, known.failed) };
}

/** @param {Counts} counts */
export const closingLine = ({ passed, failed }) => `${passed} passed, ${failed} failed`;
