/** Names by which candidates are remembered and told apart. */

import { createHash } from 'node:crypto';
import type { Candidate } from './optimizer.js';
import { mapped, type Work } from './work.js';

/** A longer name is kept as its digest: there may be a million candidates of thousands of values. */
const LONGEST = 200;

/** Equal candidates have equal names. */
export function* nameOf(candidate: Candidate): Work<string> {
  const name = (yield* mapped(candidate, nameOfValue)).join();
  return name.length <= LONGEST ? name : createHash('sha256').update(name).digest('base64');
}

const nameOfValue = (value: unknown): string => (typeof value === 'string' ? JSON.stringify(value) : String(value));
