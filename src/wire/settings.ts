/** Access rules, settings and rollback to the wire contract and back. */

import type * as wire from '../gen/coilyard/v1/variables.js';
import { invalidArgument } from '../kernel/errors.js';
import {
  type AccessRule,
  type AccessRuleInput,
  isPermission,
  type Permission,
  permissions,
} from '../variables/access.js';
import type { ConfigureVariable, RollbackVariable } from '../variables/commands.js';
import { boundedList, filledText, safeCount } from './fields.js';
import { decodeRecord } from './value.js';
import { writer } from './writer.js';

/** More rules than anybody needs; the domain counts again. */
const MAX_RULES = 1000;

export function encodeRule({ sessionPattern, permissions: granted }: AccessRule): wire.AccessRule {
  return { sessionPattern, permissions: [...granted], conditions: new Map() };
}

export function decodeRules(rules: readonly wire.AccessRule[], path: string): AccessRuleInput[] {
  return boundedList(rules, path, MAX_RULES).map((rule, index) => ({
    sessionPattern: filledText(rule.sessionPattern, `${path}[${index}].session_pattern`),
    permissions: rule.permissions.map((word) => decodePermission(word, `${path}[${index}].permissions`)),
    conditions: decodeRecord(rule.conditions, `${path}[${index}].conditions`),
  }));
}

export function decodePermission(word: string, field: string): Permission {
  if (isPermission(word)) return word;
  throw invalidArgument(field, `one of ${permissions.join(', ')}`, word);
}

/** An absent setting stays as it is; an empty one is emptied. */
export function decodeConfigure(request: wire.ConfigureVariableRequest): ConfigureVariable {
  const { constraints, readOnly, accessRules } = request;
  return {
    type: 'variable.configure',
    ...writer(request),
    variable: filledText(request.variable, 'variable'),
    ...(constraints === undefined ? {} : { constraints: decodeRecord(constraints.constraints, 'constraints') }),
    ...(readOnly === undefined ? {} : { readOnly }),
    ...(accessRules === undefined ? {} : { accessRules: decodeRules(accessRules.rules, 'access_rules') }),
  };
}

export function decodeRollback(request: wire.RollbackVariableRequest): RollbackVariable {
  return {
    type: 'variable.rollback',
    ...writer(request),
    variable: filledText(request.variable, 'variable'),
    version: safeCount(request.version, 'version'),
    ...(request.reason === '' ? {} : { reason: request.reason }),
  };
}
