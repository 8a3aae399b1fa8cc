/**
 * Who may do what with a variable. Rules are matched with the calling session's id. Without rules everybody who may use
 * the session has every right; with rules that match nobody, nobody has any, except that the owning session may always
 * change the rules. A guest, who may not use the session, has the rights that rules grant it.
 */

import { type CoilyardError, invalidArgument } from '../kernel/errors.js';
import { err, ok, type Result } from '../kernel/result.js';
import { matchesGlob } from './names.js';
import { isPlainObject } from './plain-data.js';

export type Permission = 'read' | 'write' | 'observe' | 'optimize';

export const permissions: readonly Permission[] = Object.freeze(['read', 'write', 'observe', 'optimize']);

export interface AccessRule {
  /** `any`, or a glob over the ids of calling sessions: `*` and `?` only. */
  readonly sessionPattern: string;
  readonly permissions: readonly Permission[];
}

/** A rule as users write it; snake_case keys are accepted. */
export interface AccessRuleInput {
  readonly sessionPattern?: string;
  readonly session_pattern?: string;
  readonly permissions: readonly Permission[];
  /** Not defined yet: anything but empty is refused. */
  readonly conditions?: Readonly<Record<string, unknown>>;
}

/** Who asks a session for something. */
export interface Caller {
  /** The id of the calling session, which rules are matched with. */
  readonly id: string;
  /** A guest: it has the rights that a rule of the variable grants it, and nothing besides. */
  readonly byRuleOnly: boolean;
}

export const noRules: readonly AccessRule[] = Object.freeze([]);

const MAX_RULES = 1000;
const MAX_PATTERN = 256;

export const isPermission = (word: unknown): word is Permission =>
  word === 'read' || word === 'write' || word === 'observe' || word === 'optimize';

/** What a calling session may do that may use the session: where there are rules, what they grant it. */
export const allows = (rules: readonly AccessRule[], permission: Permission, principal: string): boolean =>
  rules.length === 0 || grants(rules, permission, principal);

/** The rights of a principal are those of all rules that match it. */
export const grants = (rules: readonly AccessRule[], permission: Permission, principal: string): boolean =>
  rules.some((rule) => rule.permissions.includes(permission) && matches(rule, principal));

/** Whether rules grant a principal anything at all. */
export const grantsAnything = (rules: readonly AccessRule[], principal: string): boolean =>
  rules.some((rule) => rule.permissions.length > 0 && matches(rule, principal));

export const permits = (rules: readonly AccessRule[], permission: Permission, { id, byRuleOnly }: Caller): boolean =>
  byRuleOnly ? grants(rules, permission, id) : allows(rules, permission, id);

const matches = ({ sessionPattern }: AccessRule, principal: string): boolean =>
  sessionPattern === 'any' || matchesGlob(sessionPattern, principal);

/** Rules in their normal form, frozen; `invalid_argument` with the path of what is malformed. */
export function parseRules(rules: unknown, path = 'accessRules'): Result<readonly AccessRule[], CoilyardError> {
  if (rules === undefined) return ok(noRules);
  if (!Array.isArray(rules) || rules.length > MAX_RULES)
    return err(invalidArgument(path, `a list of at most ${MAX_RULES} rules`, rules));
  if (rules.length === 0) return ok(noRules);
  const parsed: AccessRule[] = [];
  for (const [index, rule] of rules.entries()) {
    const result = parseRule(rule, `${path}[${index}]`);
    if (!result.ok) return result;
    parsed.push(result.value);
  }
  return ok(Object.freeze(parsed));
}

const known = ['sessionPattern', 'session_pattern', 'permissions', 'conditions'];

function parseRule(rule: unknown, path: string): Result<AccessRule, CoilyardError> {
  if (!isPlainObject(rule)) return err(invalidArgument(path, 'a rule', rule));
  const unknown = Object.keys(rule).find((key) => !known.includes(key));
  if (unknown !== undefined) return err(invalidArgument(`${path}.${unknown}`, `one of ${known.join(', ')}`, unknown));
  const pattern = rule.sessionPattern ?? rule.session_pattern;
  if (typeof pattern !== 'string' || pattern === '' || pattern.length > MAX_PATTERN)
    return err(
      invalidArgument(`${path}.sessionPattern`, `any, or a glob of at most ${MAX_PATTERN} characters`, pattern),
    );
  const granted = rule.permissions;
  if (!Array.isArray(granted)) return err(invalidArgument(`${path}.permissions`, 'a list of permissions', granted));
  for (const [index, word] of granted.entries())
    if (!isPermission(word))
      return err(invalidArgument(`${path}.permissions[${index}]`, `one of ${permissions.join(', ')}`, word));
  const { conditions } = rule;
  if (
    conditions !== undefined &&
    conditions !== null &&
    !(isPlainObject(conditions) && Object.keys(conditions).length === 0)
  )
    return err(invalidArgument(`${path}.conditions`, 'no conditions: they have no meaning yet', conditions));
  const words = permissions.filter((permission) => granted.includes(permission));
  return ok(Object.freeze({ sessionPattern: pattern, permissions: Object.freeze(words) }));
}
