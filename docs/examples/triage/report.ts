/** What was measured, as text. */

import type { Session } from 'coilyard';
import type { Made } from './changes.js';
import type { Score } from './desk.js';
import type { Terminal } from './terminal.js';

export const percent = (share: number): string => `${(100 * share).toFixed(1)} %`;

export const rightOf = ({ right, mails }: Score): string => percent(right / mails);

export const rate = ({ mails, durationMs }: Score): string => `${Math.round((1000 * mails) / durationMs)} mails/s`;

export const seconds = (ms: number): string => `${(ms / 1000).toFixed(1)} s`;

export const indented = (text: string): string => text.replace(/^/gm, '  ');

const widths = [37, 9, 12, 14, 12];

const row = (cells: readonly string[]): string => cells.map((cell, index) => cell.padEnd(widths[index] ?? 0)).join('');

export const changesHead = (): string => row(['', 'version', 'changed by', 'heard by TS', 'by Python', 'right']);

/** One change: what, by whom, after how long each language had heard of it, and what it did to the score. */
export function changeLine(show: Terminal, made: Made, before: Score, after: Score): string {
  const { change, oldValue, version, typescriptMs, pythonMs } = made;
  const what = `${change.variable}  ${oldValue} → ${change.value}`;
  const heard = [typescriptMs, pythonMs].map((ms) => `${ms.toFixed(1)} ms`);
  const paint = after.right > before.right ? show.green : after.right < before.right ? show.red : show.dim;
  return `${row([what, String(version), change.by, ...heard])}${rightOf(before)} → ${paint(rightOf(after))}`;
}

/** The present values, in one line. */
export function settings(session: Session): string {
  const value = (name: string): unknown => session.get(name);
  return [
    value('strategy'),
    `${value('max_demos')} demonstrations`,
    `${value('body_chars')} characters`,
    `temperature ${value('temperature')}`,
    `threshold ${value('threshold')}`,
  ].join(', ');
}

/** The versions of each variable, newest first. */
export function histories(session: Session): string[] {
  return session.list().map(({ name }) => {
    const versions = session
      .history(name)
      .map(({ value, version, source }) => (version === 0 ? `${value}` : `${value} (version ${version}, ${source})`));
    return `${name.padEnd(13)}${versions.join(' ← ')}`;
  });
}
