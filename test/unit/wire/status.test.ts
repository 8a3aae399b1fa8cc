import fc from 'fast-check';
import { expect, test } from 'vitest';
import { CoilyardError, type ErrorCode, errorKinds } from '../../../src/kernel/errors.js';
import { encodeStatus, grpcStatusNumbers } from '../../../src/wire/status.js';
import { decodeStatus } from '../../support/status.js';

const codes = Object.keys(errorKinds).filter((code): code is ErrorCode => code in errorKinds);

/** What the trailers take: a percent-encoded text and base64. */
const trailerBytes = (error: CoilyardError): number => {
  const { message, details } = encodeStatus(error);
  return encodeURI(message).length + Buffer.from(details).toString('base64').length;
};

test.each(codes)('%s comes back as it was, under its gRPC status', (code) => {
  const error = new CoilyardError(code, `what happened: ${code}`, {
    details: { field: 'a', expected: 2n ** 70n, actual: null, list: [1, { deep: 0.5 }] },
    execution: 'unknown',
    retryable: true,
    retryAfterMs: 250,
  });
  const status = encodeStatus(error);
  expect(status.code).toBe(grpcStatusNumbers[errorKinds[code].grpc]);
  expect(status.message).toBe(error.message);
  const decoded = decodeStatus(status.details);
  expect(decoded).toBeInstanceOf(CoilyardError);
  expect(decoded).toMatchObject({
    code,
    message: error.message,
    details: error.details,
    execution: 'unknown',
    retryable: true,
    retryAfterMs: 250,
  });
});

test('whatever an error carries, its status is well below what a trailer can hold', () => {
  const text = fc.string({ unit: 'binary', maxLength: 5000 });
  fc.assert(
    fc.property(text, fc.dictionary(text, fc.anything(), { maxKeys: 5 }), (message, details) => {
      const error = new CoilyardError('internal', message, { details });
      expect(trailerBytes(error)).toBeLessThan(7000);
      expect(decodeStatus(encodeStatus(error).details)?.code).toBe('internal');
    }),
    { numRuns: 200 },
  );
});

test.each([
  ['a long traceback', 'x'.repeat(100_000)],
  ['text outside of ASCII', '💥'.repeat(50_000)],
  ['text that is not well-formed', '\ud800'.repeat(50_000)],
])('%s is cut, in the message and in the particulars', (_what, text) => {
  const error = new CoilyardError('python_error', text, { details: { traceback: text, short: 1 } });
  expect(trailerBytes(error)).toBeLessThan(7000);
  expect(decodeStatus(encodeStatus(error).details)).toMatchObject({ code: 'python_error', details: { short: 1 } });
});

test('a long text keeps its beginning and its end', () => {
  const traceback = `first line\n${'middle\n'.repeat(1000)}last line`;
  const decoded = decodeStatus(encodeStatus(new CoilyardError('python_error', '', { details: { traceback } })).details);
  expect(decoded?.details.traceback).toMatch(/^first line\n.* … .*last line$/s);
});

test('a particular that is too large is left out, the others stay', () => {
  const choices = Array.from({ length: 5000 }, (_, n) => `choice ${n}`);
  const error = new CoilyardError('constraint_violation', 'no', { details: { expected: choices, actual: 'x' } });
  expect(decodeStatus(encodeStatus(error).details)?.details).toEqual({ actual: 'x' });
});

test('a status without our detail, or with more than we know, is read as far as it goes', () => {
  expect(decodeStatus(new Uint8Array())).toBeUndefined();
  const known = encodeStatus(new CoilyardError('read_only', 'no')).details;
  // Unknown field 9 (a varint) before what we know.
  expect(decodeStatus(Buffer.concat([Buffer.from([0x48, 0x01]), known]))?.code).toBe('read_only');
});
