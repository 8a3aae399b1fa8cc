import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { type ErrorCode, type ErrorKind, errorKinds, isErrorCode } from '../../../src/kernel/errors.js';
import { errorGuide } from '../../../src/kernel/error-guide.js';
import { grpcStatusNumbers } from '../../../src/wire/status.js';

const root = join(import.meta.dirname, '..', '..', '..');
const python = readFileSync(join(root, 'python/src/coilyard/_errors.py'), 'utf8');

/** `class X(Base, …)` and the code that it stands for. */
const classes = new Map(
  [...python.matchAll(/^class (\w+)\(([^)]*)\):/gm)].map(([, name = '', bases = '']) => [name, bases.split(', ')]),
);
const classOf = new Map(
  [...python.matchAll(/^class (\w+)\([^)]*\):(?:(?!^class ).)*?default_code = "(\w+)"/gms)].map(
    ([, name = '', code = '']) => [code, name],
  ),
);
classOf.set('permission_denied', 'PermissionDenied');

const builtInsOf = (name: string): string[] =>
  (classes.get(name) ?? []).flatMap((base) =>
    classes.has(base) ? builtInsOf(base) : base === 'Exception' ? [] : [base],
  );

const retryable = {
  no: 'no',
  yes: 'yes',
  by_execution: 'when `not_started`',
} as const satisfies Record<ErrorKind['retryable'], string>;

function section(code: ErrorCode): string {
  const { grpc, retryable: when, execution }: ErrorKind = errorKinds[code];
  const { meaning, remedy } = errorGuide[code];
  const name = classOf.get(code) ?? '';
  const also = [...new Set(builtInsOf(name))].map((builtIn) => `\`${builtIn}\``).join(', ');
  return [
    `## ${code}`,
    '',
    meaning,
    '',
    `*What helps:* ${remedy}`,
    '',
    '| gRPC | retry | execution | Python |',
    '|---|---|---|---|',
    `| ${grpcStatusNumbers[grpc]} ${grpc} | ${retryable[when]} | \`${execution}\` | \`${name}\`${also === '' ? '' : `, a ${also}`} |`,
    '',
  ].join('\n');
}

const introduction = `# Errors

<!-- Made from src/kernel/errors.ts and src/kernel/error-guide.ts: npx vitest run --project fast errors-document -u -->

Every failure is a \`CoilyardError\` with one of these codes, in TypeScript, in Python and on the wire, where it travels as
\`coilyard.v1.ErrorDetail\` in the details of the gRPC status. Programs look at \`code\` and \`details\`; the message is for people.

- **retry** says whether the same request may succeed later. A write with a \`request_id\` is always safe to repeat: it has its
  effect once.
- **execution** says whether the work was done: \`not_started\`, \`done\` or \`unknown\`. The column has what holds unless the place
  that raises the error knows better.
- **Python** has the class of \`coilyard\`, and the built-in exceptions that it also is.

`;

test('docs/errors.md says what the code says', async () => {
  const codes = Object.keys(errorKinds).filter(isErrorCode);
  expect(codes.filter((code) => !classOf.has(code))).toEqual([]);
  const document = introduction + codes.map(section).join('\n');
  await expect(document).toMatchFileSnapshot(join(root, 'docs/errors.md'));
});
