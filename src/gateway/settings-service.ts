/** The part of `coilyard.v1.Variables` that is about settings, rights and earlier versions. */

import { VariablesService } from '../gen/coilyard/v1/variables.js';
import { filledText } from '../wire/fields.js';
import { decodeConfigure, decodePermission, decodeRollback } from '../wire/settings.js';
import { encodeVariable } from '../wire/variables.js';
import { findSession } from './caller.js';
import type { GatewayContext } from './context.js';
import type { Routes } from './routes.js';
import { unary } from './unary.js';

type Served = 'rollbackVariable' | 'configureVariable' | 'checkAccess';

export function settingsRoutes(context: GatewayContext): Pick<Routes<typeof VariablesService>, Served> {
  return {
    rollbackVariable: unary(context, VariablesService.rollbackVariable, async (request, call) => {
      const session = await findSession(context, request.sessionId, call);
      const { revision, variable } = await session.execute(decodeRollback(request), call.executeOptions());
      return { revision: BigInt(revision), variable: encodeVariable(variable) };
    }),
    configureVariable: unary(context, VariablesService.configureVariable, async (request, call) => {
      const session = await findSession(context, request.sessionId, call);
      const { revision, variable } = await session.execute(decodeConfigure(request), call.executeOptions());
      return { revision: BigInt(revision), variable: encodeVariable(variable) };
    }),
    checkAccess: unary(context, VariablesService.checkAccess, async (request, call) => {
      const session = await findSession(context, request.sessionId, call);
      const permission = decodePermission(request.permission, 'permission');
      const allowed = session.checkAccess(filledText(request.variable, 'variable'), permission);
      return { allowed, revision: BigInt(session.revision) };
    }),
  };
}
