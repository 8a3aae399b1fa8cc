import { spawn } from 'node:child_process';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { expect, test } from 'vitest';

const root = fileURLToPath(new URL('../../', import.meta.url));
const example = (name: string): string => join('docs', 'examples', 'quickstart', name);
const python = process.env.COILYARD_PYTHON ?? join(root, '.venv', 'bin', 'python');

test('the programs of the README do together what the README says', async () => {
  const typescript = start(process.execPath, [join('dist', example('main.js'))]);
  const [, address = ''] = await typescript.says(/main\.py (\S+)\n/);
  const other = start(python, [example('main.py'), address]);

  expect(await other.exited).toEqual({ code: 0, stderr: '' });
  expect(other.stdout().split('\n')).toEqual(['0.8', expect.stringContaining('maximum 2'), '']);
  expect(await typescript.exited).toEqual({ code: 0, stderr: '' });
  expect(typescript.stdout().trim().split('\n').slice(2)).toEqual([
    'temperature: 0.8 -> 1.2 at revision 3, by python',
    'temperature: 1.2 -> 0 at revision 4, by python',
  ]);
});

interface Running {
  readonly exited: Promise<{ readonly code: number | null; readonly stderr: string }>;
  stdout(): string;
  /** Resolves when the output matches; rejects when the program ends before. */
  says(pattern: RegExp): Promise<RegExpExecArray>;
}

function start(command: string, args: readonly string[]): Running {
  const child = spawn(command, args, { cwd: root, stdio: ['ignore', 'pipe', 'pipe'] });
  let stdout = '';
  let stderr = '';
  child.stderr.setEncoding('utf8').on('data', (text: string) => {
    stderr += text;
  });
  child.stdout.setEncoding('utf8').on('data', (text: string) => {
    stdout += text;
  });
  const exited = new Promise<{ code: number | null; stderr: string }>((resolve, reject) => {
    child.on('error', reject);
    child.on('close', (code) => resolve({ code, stderr }));
  });
  return {
    exited,
    stdout: () => stdout,
    says: (pattern) =>
      new Promise((resolve, reject) => {
        const look = (): void => {
          const found = pattern.exec(stdout);
          if (found !== null) resolve(found);
        };
        child.stdout.on('data', look);
        exited.then(() => reject(new Error(`it ended without saying ${pattern}: ${stdout}${stderr}`)), reject);
        look();
      }),
  };
}
