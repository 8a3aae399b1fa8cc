/** The part of `coilyard.v1.Variables` that is about documents and statistics. */

import { VariablesService } from '../gen/coilyard/v1/variables.js';
import { decodeExport, decodeImport, encodeImported, encodeStats } from '../wire/transfer.js';
import { findSession } from './caller.js';
import type { GatewayContext } from './context.js';
import type { Routes } from './routes.js';
import { unary } from './unary.js';

type Served = 'exportVariables' | 'importVariables' | 'getVariableStats';

export function transferRoutes(context: GatewayContext): Pick<Routes<typeof VariablesService>, Served> {
  return {
    exportVariables: unary(context, VariablesService.exportVariables, async (request, call) => {
      const session = await findSession(context, request.sessionId, call);
      const { revision } = session;
      const bytes = await session.export(decodeExport(request));
      return { revision: BigInt(revision), data: Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength) };
    }),
    importVariables: unary(context, VariablesService.importVariables, async (request, call) => {
      const session = await findSession(context, request.sessionId, call);
      const options = { ...decodeImport(request), ...call.executeOptions() };
      return encodeImported(await session.import(request.data, options));
    }),
    getVariableStats: unary(context, VariablesService.getVariableStats, async (request, call) => {
      const session = await findSession(context, request.sessionId, call);
      const stats = request.variable === '' ? session.stats() : session.stats(request.variable);
      return encodeStats(session.revision, stats);
    }),
  };
}
