/** The part of `coilyard.v1.Variables` that is about dependencies. */

import { VariablesService } from '../gen/coilyard/v1/variables.js';
import {
  asksForDependents,
  decodeAddDependency,
  decodeRemoveDependency,
  encodeDependency,
} from '../wire/dependencies.js';
import { filledText } from '../wire/fields.js';
import { findSession } from './caller.js';
import type { GatewayContext } from './context.js';
import type { Routes } from './routes.js';
import { unary } from './unary.js';

type Served = 'addDependency' | 'removeDependency' | 'getDependencies';

export function dependenciesRoutes(context: GatewayContext): Pick<Routes<typeof VariablesService>, Served> {
  return {
    addDependency: unary(context, VariablesService.addDependency, async (request, call) => {
      const session = await findSession(context, request.sessionId, call);
      const { revision } = await session.execute(decodeAddDependency(request), call.executeOptions());
      return { revision: BigInt(revision) };
    }),
    removeDependency: unary(context, VariablesService.removeDependency, async (request, call) => {
      const session = await findSession(context, request.sessionId, call);
      const { revision } = await session.execute(decodeRemoveDependency(request), call.executeOptions());
      return { revision: BigInt(revision) };
    }),
    getDependencies: unary(context, VariablesService.getDependencies, async (request, call) => {
      const session = await findSession(context, request.sessionId, call);
      const reference = filledText(request.variable, 'variable');
      const options = { transitive: request.transitive };
      const found = asksForDependents(request)
        ? session.dependents(reference, options)
        : session.dependencies(reference, options);
      return { revision: BigInt(session.revision), dependencies: found.map(encodeDependency) };
    }),
  };
}
