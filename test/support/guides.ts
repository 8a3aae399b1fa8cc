/** Guides and their examples: what a document says a program prints, and what it prints. */

import { readdirSync, readFileSync } from 'node:fs';
import { format } from 'node:util';
import { vi } from 'vitest';
import { settle } from '../../src/testing/manual-clock.js';

export const textOf = (path: string): string => readFileSync(new URL(`../../${path}`, import.meta.url), 'utf8');

export const documentsOf = (...paths: readonly string[]): string => paths.map(textOf).join('\n');

/** The TypeScript programs of a document. */
export const programsIn = (text: string): string[] =>
  [...text.matchAll(/```ts\n(.*?)```/gs)].map(([, program = '']) => program);

/** An example, as its folder and its name without `.ts`. */
export interface Example {
  readonly room: string;
  readonly name: string;
}

export const examplesOf = (room: string): Example[] =>
  readdirSync(new URL(`../../docs/examples/${room}`, import.meta.url)).map((file) => ({
    room,
    name: file.replace(/\.ts$/, ''),
  }));

export const programOf = ({ room, name }: Example): string => textOf(`docs/examples/${room}/${name}.ts`);

/** Runs an example in this process. */
export async function outputOf({ room, name }: Example): Promise<string> {
  const lines: string[] = [];
  const log = vi.spyOn(console, 'log').mockImplementation((...words) => void lines.push(format(...words)));
  try {
    await import(`../../docs/examples/${room}/${name}.ts`);
    await settle();
  } finally {
    log.mockRestore();
  }
  return lines.join('\n');
}

/** Tests that a document names (`path`: "title") and that do not exist. */
export const missingTests = (text: string): { readonly named: number; readonly missing: readonly string[] } => {
  const named = [...text.replaceAll(/\s+/g, ' ').matchAll(/`(test\/[\w./-]+)`: "([^"]+)"/g)];
  const missing = named.filter(([, path = '', title = '']) => !textOf(path).includes(title)).map(([found]) => found);
  return { named: named.length, missing };
};
