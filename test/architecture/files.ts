/** The files of the repository, read once for all rules. */

import { readdirSync, readFileSync } from 'node:fs';
import { join, relative, sep } from 'node:path';
import { fileURLToPath } from 'node:url';

export const root = fileURLToPath(new URL('../../', import.meta.url));

export interface TextFile {
  /** From the root, with slashes. */
  readonly path: string;
  readonly text: string;
}

/** Installed, built or cached; also whatever somebody keeps in a hidden folder besides `.ci`. */
const notOurs = /^(node_modules|dist|coverage|__pycache__|.*\.egg-info|\.(?!ci$).*)$/;
const generated = /^(src\/gen|python\/src\/coilyard\/_proto)\//;
const textual = /\.(ts|mjs|cjs|py|pyi|md|json|ya?ml|toml|proto)$|^\.ci\/run$/;

const all: readonly TextFile[] = walk(root).map((path) => ({ path, text: readFileSync(join(root, path), 'utf8') }));

/** Files under any of the places that have one of the endings; generated ones only when asked for. */
export function filesIn(places: readonly string[], endings: readonly string[] = ['']): readonly TextFile[] {
  return all.filter(
    ({ path }) =>
      !generated.test(path) &&
      places.some((place) => path.startsWith(place)) &&
      endings.some((ending) => path.endsWith(ending)),
  );
}

export const linesOf = ({ text }: TextFile): readonly string[] => text.split('\n');

function walk(directory: string): string[] {
  return readdirSync(directory, { withFileTypes: true }).flatMap((entry) => {
    if (entry.isDirectory()) return notOurs.test(entry.name) ? [] : walk(join(directory, entry.name));
    const path = relative(root, join(directory, entry.name)).split(sep).join('/');
    return textual.test(path) ? [path] : [];
  });
}
