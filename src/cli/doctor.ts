/** `coilyard doctor`: what a runtime needs, what was found, and for each failure the command that mends it. */

import { parseArgs } from 'node:util';
import { describeThrown } from '../kernel/errors.js';
import { diagnose, type Finding } from '../runtime/doctor.js';
import { runtimeOptionsFrom, startFlags } from './start.js';

/** @returns the exit code: 0 when nothing fails, 1 when something does, 2 for a command line that makes no sense. */
export async function doctor(args: readonly string[]): Promise<number> {
  let findings: readonly Finding[];
  let isJson: boolean;
  try {
    const { values } = parseArgs({ args: [...args], options: { ...startFlags, json: { type: 'boolean' } } });
    isJson = values.json === true;
    findings = await diagnose({ runtime: await runtimeOptionsFrom(values) });
  } catch (error) {
    console.error(`coilyard doctor: ${describeThrown(error)}`);
    return 2;
  }
  console.log(isJson ? JSON.stringify(findings, null, 2) : tableOf(findings));
  const failures = findings.filter(({ outcome }) => outcome === 'fail').length;
  if (!isJson) console.error(failures === 0 ? 'everything that is needed is there' : `${failures} to mend`);
  return failures === 0 ? 0 : 1;
}

function tableOf(findings: readonly Finding[]): string {
  const width = Math.max(...findings.map(({ check }) => check.length));
  return findings
    .flatMap(({ outcome, check, found, remedy }) => [
      `${outcome.padEnd(4)}  ${check.padEnd(width)}  ${found}`,
      ...(remedy === undefined ? [] : [`      ${' '.repeat(width)}  → ${remedy}`]),
    ])
    .join('\n');
}
