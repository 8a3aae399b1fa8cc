import ts from 'typescript';
import { expect, test } from 'vitest';
import { filesIn, linesOf, type TextFile } from './files.js';

const library = filesIn(['src/', 'supervisors/'], ['.ts']);
const quickTests = filesIn(['test/unit/', 'test/property/', 'test/contract/', 'test/architecture/'], ['.ts']);

test('there are sources to look at', () => {
  expect(library.length).toBeGreaterThan(60);
  expect(quickTests.length).toBeGreaterThan(10);
});

test('the finders find what they look for', () => {
  const inText = (text: string, finder: Finder): number => violations([{ path: 'a.ts', text }], finder).length;
  const worldly = "import { randomUUID } from 'node:crypto'; Date.now(); new Date(); Math.random(); setTimeout(f, 1);";
  expect(inText(worldly, readsTheWorld)).toBe(5);
  expect(inText('clock.setTimer(1, f); new Date(0); const setTimeout = 1;', readsTheWorld)).toBe(0);
  expect(inText('const a = b as C;\nconst d = <E>f;', castsWithoutReason)).toBe(2);
  expect(
    inText('const a = b as const;\n// The parser gives no better type.\nconst c = d as E;', castsWithoutReason),
  ).toBe(0);
});

test('only the clock file tells the time, arms timers and draws random numbers', { timeout: 60_000 }, () => {
  const files = [...library, ...quickTests].filter(({ path }) => path !== 'src/kernel/clock.ts');
  expect(violations(files, readsTheWorld)).toEqual([]);
});

test('a cast stands in src/wire or kernel/ids.ts, or under a comment with its reason', () => {
  const files = library.filter(({ path }) => !path.startsWith('src/wire/') && path !== 'src/kernel/ids.ts');
  expect(violations(files, castsWithoutReason)).toEqual([]);
});

test('no file is longer than 400 lines', () => {
  const code = filesIn(['src/', 'supervisors/', 'test/', 'python/', 'docs/'], ['.ts', '.mjs', '.py']);
  const long = code
    .filter((file) => linesOf(file).length > 401)
    .map(({ path, text }) => `${path}: ${text.split('\n').length - 1}`);
  expect(long).toEqual([]);
});

test('what is left to do names its issue', () => {
  const words = new RegExp(
    `\\b(${['TO', 'FIX', 'XX', 'HA'].map((half, index) => half + ['DO', 'ME', 'X', 'CK'][index]).join('|')})\\b(?!\\(#\\d+\\))`,
  );
  const code = filesIn(
    ['src/', 'supervisors/', 'test/', 'python/', 'docs/', 'proto/'],
    ['.ts', '.mjs', '.py', '.md', '.proto'],
  );
  expect(matches(code, words)).toEqual([]);
});

test('no path of a particular machine is written down', () => {
  expect(matches(filesIn(['']), /(?<![\w.:/-])\/(work|root|Users|home)\/\w/)).toEqual([]);
});

test('a file is found from a URL by fileURLToPath, which knows of spaces', () => {
  const code = filesIn(['src/', 'supervisors/', 'test/', 'docs/'], ['.ts', '.mjs']);
  expect(matches(code, /import\.meta\.url\)\.pathname/)).toEqual([]);
});

type Finder = (node: ts.Node, file: ts.SourceFile) => boolean;

function violations(files: readonly TextFile[], isViolation: Finder): string[] {
  return files.flatMap(({ path, text }) => {
    const file = ts.createSourceFile(path, text, ts.ScriptTarget.ES2023, true);
    const found: string[] = [];
    const visit = (node: ts.Node): void => {
      if (isViolation(node, file))
        found.push(`${path}:${lineOf(node, file) + 1}: ${node.getText(file).split('\n')[0]}`);
      ts.forEachChild(node, visit);
    };
    visit(file);
    return found;
  });
}

function matches(files: readonly TextFile[], pattern: RegExp): string[] {
  return files.flatMap((file) =>
    linesOf(file).flatMap((line, index) => (pattern.test(line) ? [`${file.path}:${index + 1}: ${line.trim()}`] : [])),
  );
}

const worldly = new Set(['Date.now', 'Math.random', 'performance.now', 'process.hrtime', 'crypto.randomUUID']);
const timers = new Set(['setTimeout', 'setInterval']);
const dice = new Set(['randomBytes', 'randomUUID', 'randomInt', 'getRandomValues']);

function readsTheWorld(node: ts.Node, file: ts.SourceFile): boolean {
  if (ts.isPropertyAccessExpression(node)) return worldly.has(node.getText(file));
  if (ts.isCallExpression(node)) return timers.has(node.expression.getText(file));
  if (ts.isNewExpression(node)) return node.expression.getText(file) === 'Date' && (node.arguments?.length ?? 0) === 0;
  if (ts.isImportSpecifier(node)) return dice.has((node.propertyName ?? node.name).text);
  if (ts.isImportDeclaration(node)) return /^'node:timers/.test(node.moduleSpecifier.getText(file));
  return false;
}

function castsWithoutReason(node: ts.Node, file: ts.SourceFile): boolean {
  if (!ts.isAsExpression(node) && !ts.isTypeAssertionExpression(node)) return false;
  if (ts.isConstTypeReference(node.type)) return false;
  const above = file.text.split('\n')[lineOf(node, file) - 1] ?? '';
  return !/^\s*\/\/ \w|\*\/\s*$/.test(above);
}

const lineOf = (node: ts.Node, file: ts.SourceFile): number =>
  file.getLineAndCharacterOfPosition(node.getStart(file)).line;
