import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { root } from './files.js';

const manifest: {
  readonly exports: Readonly<Record<string, string | Readonly<Record<string, string>>>>;
  readonly bin: Readonly<Record<string, string>>;
  readonly files: readonly string[];
} = JSON.parse(readFileSync(join(root, 'package.json'), 'utf8'));

const targets = [...Object.values(manifest.exports), manifest.bin]
  .flatMap((target) => (typeof target === 'string' ? [target] : Object.values(target)))
  .map((target) => target.replace(/^\.\//, ''));

test('every entry point has its source', () => {
  const sources = targets.map((target) => target.replace(/^dist\/(.*?)(\.d\.ts|\.js)$/, '$1.ts'));
  expect(sources.filter((source) => !existsSync(join(root, source)))).toEqual([]);
});

test('every entry point is part of what is packed', () => {
  const packed = [...manifest.files, 'package.json'];
  expect(targets.filter((target) => !packed.some((place) => target.startsWith(place)))).toEqual([]);
});

test('the lock file knows the binaries of every platform, or npm ci refuses it', () => {
  const lock: { readonly packages: Readonly<Record<string, { readonly optionalDependencies?: object }>> } = JSON.parse(
    readFileSync(join(root, 'package-lock.json'), 'utf8'),
  );
  const wanted = Object.values(lock.packages).flatMap(({ optionalDependencies = {} }) =>
    Object.keys(optionalDependencies),
  );
  expect(wanted.filter((name) => lock.packages[`node_modules/${name}`] === undefined)).toEqual([]);
});
