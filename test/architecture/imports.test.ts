import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { cruise, type ICruiseOptions, type ICruiseResult } from 'dependency-cruiser';
import extractOptions from 'dependency-cruiser/config-utl/extract-depcruise-options';
import extractTypescript from 'dependency-cruiser/config-utl/extract-ts-config';
import { afterAll, expect, test } from 'vitest';
import { root } from './files.js';

/** The checker silently finds nothing when it does not understand the sources: far fewer modules than these is a fault. */
const FEWEST_MODULES = 200;

/** Reading the whole house takes seconds where others work beside. */
const UNHURRIED = { timeout: 60_000 };

const options = await extractOptions(join(root, '.dependency-cruiser.cjs'));

test('every import is one that the table of rooms allows', UNHURRIED, async () => {
  const { summary, modules } = await cruiseIn(root, ['src', 'supervisors', 'test', 'docs/examples']);
  expect(summary.violations.map(({ rule, from, to }) => `${rule.name}: ${from} -> ${to}`)).toEqual([]);
  expect(modules.filter(({ source }) => /^(src|supervisors|test)\//.test(source)).length).toBeGreaterThan(
    FEWEST_MODULES,
  );
});

/** For each rule a file that breaks it, and nothing else. */
const broken: Readonly<Record<string, readonly [file: string, imports: string]>> = {
  'room:src/kernel': ['src/kernel/a.ts', '../variables/value.js'],
  'room:supervisors': ['supervisors/a.ts', '../src/sessions/store.js'],
  'room:src/variables': ['src/variables/a.ts', '../kernel/mailbox.js'],
  'room:src/gen': ['src/gen/a.ts', '../kernel/result.js'],
  'room:src/wire': ['src/wire/a.ts', '../sessions/store.js'],
  'room:src/sessions': ['src/sessions/a.ts', '../wire/value.js'],
  'room:src/workers': ['src/workers/a.ts', '../sessions/handle.js'],
  'room:src/optimizers': ['src/optimizers/a.ts', '../sessions/store.js'],
  'room:src/agents': ['src/agents/a.ts', '../workers/pool.js'],
  'room:src/gateway': ['src/gateway/a.ts', '../sessions/store.js'],
  'room:src/dashboard': ['src/dashboard/a.ts', '../gateway/server.js'],
  'room:src/cli': ['src/cli/a.ts', '../gateway/server.js'],
  'room:src/testing': ['src/testing/a.ts', '../../test/support.js'],
  'room:src/setup': ['src/setup/a.ts', '../kernel/result.js'],
  'room:src/{runtime,config,index}.ts': ['src/runtime.ts', '../test/support.js'],
  'room:src/runtime': ['src/runtime/a.ts', '../../docs/examples/b.js'],
  'room:docs/examples': ['docs/examples/a.ts', '../../src/runtime/b.js'],
  'reserved:grpc': ['src/sessions/b.ts', '@grpc/grpc-js'],
  'reserved:child-processes': ['src/workers/b.ts', 'node:child_process'],
  'reserved:xstate': ['src/sessions/c.ts', 'xstate'],
  'reserved:eventemitter3': ['src/kernel/b.ts', 'eventemitter3'],
  'reserved:redis': ['src/sessions/d.ts', 'redis'],
  'pure:variables': ['src/variables/b.ts', 'node:fs'],
  'a-room-of-its-own': ['src/shed/a.ts', 'node:fs'],
  'no-cycle': ['src/kernel/c.ts', './c.js'],
  resolvable: ['src/kernel/d.ts', './nowhere.js'],
  declared: ['src/kernel/e.ts', 'vitest'],
};

const house = (() => {
  mkdirSync(join(root, '.cache'), { recursive: true });
  return mkdtempSync(join(root, '.cache', 'broken-house-'));
})();
afterAll(() => rmSync(house, { recursive: true, force: true }));

test('there is a broken import for every rule', () => {
  const rules = (options.ruleSet?.forbidden ?? []).map(({ name }) => name);
  expect(Object.keys(broken).sort()).toEqual(rules.sort());
});

test('every rule finds the import that breaks it', UNHURRIED, async () => {
  for (const [file, imports] of Object.values(broken)) {
    // A type-only import that the compiler would drop.
    put(file, `import type { X } from '${imports}';\nexport type Y = X;\n`);
    if (imports.startsWith('../')) put(join(dirname(file), imports.replace(/\.js$/, '.ts')), 'export type X = 1;\n');
  }
  const { summary } = await cruiseIn(house, ['src', 'supervisors', 'docs']);
  const found = new Set(summary.violations.map(({ rule, from }) => `${rule.name}: ${from}`));
  expect(Object.entries(broken).filter(([rule, [file]]) => !found.has(`${rule}: ${file}`))).toEqual([]);
});

function put(path: string, text: string): void {
  mkdirSync(dirname(join(house, path)), { recursive: true });
  writeFileSync(join(house, path), text);
}

async function cruiseIn(baseDir: string, places: string[]): Promise<ICruiseResult> {
  const here: ICruiseOptions = { ...options, baseDir, validate: true };
  const { output } = await cruise(places, here, {}, { tsConfig: extractTypescript(join(root, 'tsconfig.json')) });
  if (typeof output === 'string') throw new TypeError('expected the result as data');
  return output;
}
