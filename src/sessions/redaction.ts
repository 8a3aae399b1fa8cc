/** Which values nobody gets to see in the audit trail and in telemetry, and what stands there instead. */

import { matchesGlob } from '../variables/names.js';
import type { Metadata } from '../variables/value.js';

export const REDACTED = '[redacted]';

/** Whether the values of a variable are secret. */
export type Redactor = (name: string, metadata: Metadata | undefined) => boolean;

const isMarkedSecret: Redactor = (_name, metadata) => metadata?.secret === true;

export function redactorOf(options: { readonly redact?: readonly string[] } = {}): Redactor {
  const { redact = [] } = options;
  if (redact.length === 0) return isMarkedSecret;
  return (name, metadata) => metadata?.secret === true || redact.some((pattern) => matchesGlob(pattern, name));
}
