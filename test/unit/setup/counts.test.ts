import { expect, test } from 'vitest';
import { closingLine, countPytest, countVitest, judged, NO_TESTS, sum } from '../../../src/setup/counts.mjs';

const vitest = (fields: object): string =>
  JSON.stringify({
    numPassedTests: 0,
    numFailedTests: 0,
    numPendingTests: 0,
    numTodoTests: 0,
    testResults: [],
    ...fields,
  });

test('the closing line adds up both languages', () => {
  const typescript = countVitest(vitest({ numPassedTests: 40, numFailedTests: 1, numPendingTests: 2 }));
  const python = countPytest(
    '<?xml version="1.0"?><testsuites name="pytest tests"><testsuite name="pytest" errors="1" failures="2" skipped="3" tests="20"></testsuite></testsuites>',
  );
  expect(python).toEqual({ passed: 14, failed: 3, skipped: 3 });
  expect(closingLine(sum(typescript, python))).toBe('54 passed, 4 failed');
});

test('a test file that cannot be loaded counts as one failure', () => {
  const testResults = [
    { status: 'failed', assertionResults: [] },
    { status: 'failed', assertionResults: [{ status: 'failed' }] },
    { status: 'passed', assertionResults: [{ status: 'passed' }] },
  ];
  expect(countVitest(vitest({ numPassedTests: 1, numFailedTests: 1, testResults }))).toMatchObject({
    passed: 1,
    failed: 2,
  });
});

test('a runner that fails without a failed test has failed once', () => {
  expect(judged(false, { passed: 7, failed: 0, skipped: 0 })).toMatchObject({ passed: 7, failed: 1 });
});

test('a runner that ends well without a report has failed once', () => {
  expect(judged(true, undefined)).toMatchObject({ passed: 0, failed: 1 });
});

test('the failures of a runner that reports them are counted as they are', () => {
  expect(judged(false, { passed: 7, failed: 3, skipped: 1 })).toEqual({ passed: 7, failed: 3, skipped: 1 });
  expect(judged(true, NO_TESTS)).toEqual(NO_TESTS);
});
