import { readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import ts from 'typescript';
import { expect, test } from 'vitest';
import { isEventName } from '../../../src/kernel/event-names.js';
import { eventNames } from '../../../src/runtime/metrics.js';

const read = (path: string): string =>
  readFileSync(fileURLToPath(new URL(`../../../${path}`, import.meta.url)), 'utf8');

/** Event → its fields, as the types declare them. */
function declared(): Map<string, string[]> {
  const source = ts.createSourceFile('telemetry.ts', read('src/kernel/telemetry.ts'), ts.ScriptTarget.Latest, true);
  const interfaces = new Map<string, ts.InterfaceDeclaration>();
  source.forEachChild((node) => {
    if (ts.isInterfaceDeclaration(node)) interfaces.set(node.name.text, node);
  });
  const namesOf = (members: ts.NodeArray<ts.TypeElement>): string[] =>
    members.flatMap(({ name }) => (name === undefined ? [] : [name.getText()]));
  const fieldsOf = (type: ts.TypeNode | undefined): string[] => {
    if (type === undefined) return [];
    if (ts.isIntersectionTypeNode(type)) return type.types.flatMap(fieldsOf);
    if (ts.isTypeLiteralNode(type)) return namesOf(type.members);
    const shared = interfaces.get(type.getText());
    if (shared === undefined) throw new Error(`${type.getText()} is not declared in the same file`);
    return namesOf(shared.members);
  };
  const events = new Map<string, string[]>();
  for (const member of interfaces.get('RuntimeEvents')?.members ?? [])
    if (ts.isPropertySignature(member))
      events.set(member.name.getText().replaceAll("'", ''), fieldsOf(member.type).sort());
  return events;
}

/** Event → fields, as the table of the documentation says. */
function documented(): Map<string, string[]> {
  const events = new Map<string, string[]>();
  for (const [, name = '', fields = ''] of read('docs/telemetry.md').matchAll(/^\| `([a-z_.]+)` \| ([^|]*) \|/gm))
    events.set(name, [...fields.matchAll(/`(\w+)`/g)].map(([, field = '']) => field).sort());
  return events;
}

test('names and fields of telemetry events are those that docs/telemetry.md promises', () => {
  expect(Object.fromEntries(declared())).toEqual(Object.fromEntries(documented()));
});

test('every event can be listened to, and is counted', () => {
  for (const name of declared().keys()) expect(isEventName(name), name).toBe(true);
  expect([...eventNames].sort()).toEqual([...declared().keys()].sort());
});
