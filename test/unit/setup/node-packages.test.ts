import { expect, test } from 'vitest';
import { isInstalled } from '../../../src/setup/node-packages.mjs';

const wanted = {
  '': {},
  'node_modules/a': { version: '1.0.0', integrity: 'sha512-a' },
  'node_modules/b': { version: '2.0.0', integrity: 'sha512-b', optional: true },
};
const a = wanted['node_modules/a'];

test('what is installed as the lock says is left alone', () => {
  expect(isInstalled(wanted, { 'node_modules/a': a, 'node_modules/b': wanted['node_modules/b'] })).toBe(true);
});

test('an optional package may be missing', () => {
  expect(isInstalled(wanted, { 'node_modules/a': a })).toBe(true);
});

test.each([
  ['nothing', undefined],
  ['a missing package', {}],
  ['another version', { 'node_modules/a': { version: '1.0.1', integrity: 'sha512-a' } }],
  ['other contents', { 'node_modules/a': { version: '1.0.0', integrity: 'sha512-z' } }],
  ['the binaries of another system', { 'node_modules/a': { ...a, os: ['plan9'] } }],
  ['the binaries of systems that exclude this one', { 'node_modules/a': { ...a, os: [`!${process.platform}`] } }],
])('%s is installed anew', (_, installed) => {
  expect(isInstalled(wanted, installed)).toBe(false);
});
