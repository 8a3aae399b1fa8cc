/** Reads the labelled mails of `data/mails.jsonl`. */

import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { directory } from './directory.js';

export interface LabelledMail {
  readonly id: string;
  readonly label: 'ham' | 'spam';
  readonly subject: string;
  readonly body: string;
}

/** In the order of the file: ham and spam in turn. `train` holds what demonstrations are taken from. */
export async function readMails(split: 'train' | 'held_out'): Promise<readonly LabelledMail[]> {
  const text = await readFile(join(directory, 'data', 'mails.jsonl'), 'utf8');
  return text
    .trimEnd()
    .split('\n')
    .flatMap((line, index) => {
      const row: unknown = JSON.parse(line);
      if (!isRow(row)) throw new Error(`mails.jsonl: line ${index + 1} is no labelled mail`);
      return row.split === split ? [{ id: row.id, label: row.label, subject: row.subject, body: row.body }] : [];
    });
}

function isRow(row: unknown): row is LabelledMail & { split: string } {
  return (
    typeof row === 'object' &&
    row !== null &&
    'label' in row &&
    (row.label === 'ham' || row.label === 'spam') &&
    ['id', 'split', 'subject', 'body'].every((key) => typeof Reflect.get(row, key) === 'string')
  );
}
