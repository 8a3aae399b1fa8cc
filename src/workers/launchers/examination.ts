/** What an interpreter has, asked of itself: for people who want to know why workers do not start. */

import { execFile } from 'node:child_process';
import type { FitInterpreter } from './interpreters.js';

export interface Examination {
  readonly version: string;
  /** Whether it belongs to a virtual environment. */
  readonly isVirtual: boolean;
  readonly canFork: boolean;
  /** Versions by distribution; null for one that is not installed. */
  readonly packages: Readonly<Record<string, string | null>>;
  /** Of the modules that were asked for, those that are nowhere to be found. */
  readonly missingModules: readonly string[];
  /** Of those that are there, why they cannot be imported, by name. */
  readonly brokenModules?: Readonly<Record<string, string>>;
}

const SCRIPT = `
import importlib, importlib.metadata, importlib.util, json, os, platform, sys
distributions, modules, paths = json.loads(sys.argv[1])
sys.path[:0] = paths
# What imports print is not part of the answer.
answers = os.fdopen(os.dup(1), "w")
os.dup2(2, 1)
def version(name):
    try:
        return importlib.metadata.version(name)
    except importlib.metadata.PackageNotFoundError:
        return None
def lacks(name):
    try:
        return importlib.util.find_spec(name) is None
    except (ImportError, ValueError):
        return True
missing = [name for name in modules if lacks(name)]
broken = {}
for name in modules:
    try:
        if name not in missing:
            importlib.import_module(name)
    except BaseException as error:
        broken[name] = f"{type(error).__name__}: {error}".replace("\\n", " ")[:500]
print(json.dumps({
    "version": platform.python_version(),
    "isVirtual": sys.prefix != sys.base_prefix,
    "canFork": hasattr(os, "fork") and sys.platform.startswith("linux"),
    "packages": {name: version(name) for name in distributions},
    "missingModules": missing,
    "brokenModules": broken,
}), file=answers, flush=True)
# Threads of theirs may never end.
os._exit(0)
`;

/** Imports may take long on a cold disk. */
const TIMEOUT_MS = 60_000;

export function examine(
  { interpreter, env, cwd }: FitInterpreter,
  asked: {
    readonly packages: readonly string[];
    readonly modules: readonly string[];
    readonly paths: readonly string[];
  },
): Promise<Examination> {
  const question = JSON.stringify([asked.packages, asked.modules, asked.paths]);
  return new Promise((resolve, reject) => {
    execFile(
      interpreter.command,
      ['-c', SCRIPT, question],
      { env, cwd, timeout: TIMEOUT_MS, killSignal: 'SIGKILL', windowsHide: true },
      (error, stdout) => {
        if (error !== null) {
          reject(error);
          return;
        }
        try {
          // Start-up files of a site may print before the script does.
          resolve(JSON.parse(stdout.trimEnd().split('\n').at(-1) ?? ''));
        } catch (unreadable) {
          reject(unreadable);
        }
      },
    );
  });
}
