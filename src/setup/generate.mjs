// `npm run generate [-- --check]`: the code made from `proto/` for both languages. `--check` writes nothing and fails
// when a committed file is not what the protos give.
import './node-version.mjs';
import { existsSync, mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import process from 'node:process';
import { pathToFileURL } from 'node:url';
import { runQuiet } from './child.mjs';
import { runEntry } from './entry.mjs';
import { SetupFailure } from './failure.mjs';
import { cacheDirectory, inRoot, programs, venvPython } from './paths.mjs';
import { DEVELOPING, makeToolsReady } from './ready.mjs';

const pythonTool = inRoot('python', 'tools', 'generate.py');
/** What reflection serves: the contract with its comments, and what the standard services are. */
const descriptors = inRoot('proto', 'coilyard.binpb');

async function generate() {
  await quietly('generate-typescript', process.execPath, [programs.buf, 'generate']);
  await generateDescriptors(descriptors);
  await quietly('generate-python', venvPython, [pythonTool]);
}

/** Proves that nothing generated was edited by hand or forgotten. */
export async function checkGenerated() {
  await quietly('proto-lint', process.execPath, [programs.buf, 'lint']);
  await inFreshDirectory(async (directory) => {
    await quietly('generate-check-typescript', process.execPath, [programs.buf, 'generate', '--output', directory]);
    const differing = differences(join(directory, 'src', 'gen'), inRoot('src', 'gen'));
    if (differing.length > 0) throw outOfDate(`src/gen is not what the protos give: ${differing.join(', ')}`);
    const fresh = join(directory, 'descriptors.binpb');
    await generateDescriptors(fresh);
    if (!existsSync(descriptors) || !readFileSync(fresh).equals(readFileSync(descriptors)))
      throw outOfDate('proto/coilyard.binpb is not what the protos give');
  });
  await quietly('generate-check-python', venvPython, [pythonTool, '--check']);
}

/** @param {string} what */
const outOfDate = (what) => new SetupFailure(what, 'Run "npm run generate".');

/** Where the protos are that reflection serves, and which of them. */
const described = [
  { input: inRoot('.'), only: [] },
  { input: inRoot('node_modules', 'grpc-health-check', 'proto'), only: [] },
  { input: inRoot('node_modules', '@grpc', 'reflection', 'build', 'proto'), only: ['grpc'] },
];

/** @param {string} file */
const generateDescriptors = (file) =>
  inFreshDirectory(async (directory) => {
    const set = join(directory, 'set.binpb');
    const sets = [];
    for (const { input, only } of described) {
      const paths = only.flatMap((path) => ['--path', join(input, path)]);
      const args = ['build', input, ...paths, '--as-file-descriptor-set', '--output', set];
      await quietly('generate-descriptors', process.execPath, [programs.buf, ...args]);
      sets.push(readFileSync(set));
    }
    // A set is a repeated field: one behind the other they are one set.
    writeFileSync(file, Buffer.concat(sets));
  });

/** @param {(directory: string) => Promise<void>} use */
async function inFreshDirectory(use) {
  mkdirSync(cacheDirectory, { recursive: true });
  const directory = mkdtempSync(join(cacheDirectory, 'generate-'));
  try {
    await use(directory);
  } finally {
    rmSync(directory, { recursive: true, force: true });
  }
}

/**
 * Files that are in only one of two directories, or not the same in both.
 *
 * @param {string} one
 * @param {string} other
 */
export function differences(one, other) {
  const contents = [one, other].map(readAll);
  const names = new Set(contents.flatMap((files) => [...files.keys()]));
  return [...names].filter((name) => contents[0]?.get(name) !== contents[1]?.get(name)).sort();
}

/** @param {string} directory */
function readAll(directory) {
  /** @type {Map<string, string>} */
  const files = new Map();
  if (!existsSync(directory)) return files;
  for (const entry of readdirSync(directory, { recursive: true, withFileTypes: true })) {
    const path = join(entry.parentPath, entry.name);
    if (entry.isFile()) files.set(path.slice(directory.length + 1), readFileSync(path, 'utf8'));
  }
  return files;
}

/**
 * @param {string} name
 * @param {string} command
 * @param {readonly string[]} args
 */
async function quietly(name, command, args) {
  const { ok, output, log } = await runQuiet(name, command, args);
  if (!ok)
    throw new SetupFailure(`${name} failed`, `What it said is above; all of it is in ${log}`, {
      detail: output.trimEnd(),
    });
}

if (import.meta.url === pathToFileURL(process.argv[1] ?? '').href)
  await runEntry(async () => {
    await makeToolsReady(DEVELOPING);
    await (process.argv.includes('--check') ? checkGenerated() : generate());
  });
