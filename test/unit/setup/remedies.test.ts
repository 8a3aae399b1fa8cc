import { expect, test } from 'vitest';
import { failureFrom } from '../../../src/setup/remedies.mjs';

test.each([
  ['npm error code ENOTFOUND\nnpm error network request failed', 'cannot be reached'],
  [
    "WARNING: Retrying … NewConnectionError('…')\nERROR: No matching distribution found for hatchling>=1.26",
    'cannot be reached',
  ],
  ['npm error code ENOSPC', 'the disk is full'],
  ['ERROR: Could not install packages due to an OSError: [Errno 28] No space left on device', 'the disk is full'],
  ['npm error code EACCES', 'may not write'],
  ['SSLError(SSLCertVerificationError(1, "[SSL: CERTIFICATE_VERIFY_FAILED]"))', 'is not trusted'],
  ['npm error code EUSAGE', 'package.json and package-lock.json differ'],
  ['ERROR: Failed building wheel for litellm', 'for this version of Python'],
])('%j is one line with the remedy', (output, meaning) => {
  const failure = failureFrom('installing packages', output, '.cache/logs/x.log');
  expect(failure.message).toContain(meaning);
  expect(failure.message).not.toContain('\n');
  expect(failure.detail).toBeUndefined();
});

test('output that nobody understands is shown, its end at least', () => {
  const output = Array.from({ length: 100 }, (_, index) => `line ${index}`).join('\n');
  const { message, detail } = failureFrom('installing packages', output, '.cache/logs/x.log');
  expect(message).toContain('.cache/logs/x.log');
  expect(detail?.split('\n').at(-1)).toBe('line 99');
  expect(detail?.split('\n').length).toBeLessThan(50);
});
