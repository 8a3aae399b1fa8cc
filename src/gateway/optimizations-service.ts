/** `coilyard.v1.Optimizations` but its stream: runs are started, asked, told and stopped through the port of optimizers. */

import {
  OptimizationsService,
  type StartOptimizationRequest,
  StartOptimizationResponse,
  type StopOptimizationRequest,
  StopOptimizationResponse,
} from '../gen/coilyard/v1/optimizations.js';
import { filledText, optionalText } from '../wire/fields.js';
import { encodeEndedTrial, encodeHistoryRecord, encodeTrial } from '../wire/optimization-replies.js';
import {
  decodeHistory,
  decodeRunClient,
  decodeStart,
  decodeStop,
  decodeTold,
  decodeTried,
} from '../wire/optimizations.js';
import type { GatewayContext } from './context.js';
import { reachOptimizers, reachRun, requireObjective } from './optimizers-access.js';
import { parked } from './parked-call.js';
import { RecentRequests, type RequestKey, requestKey } from './recent-requests.js';
import type { Routes } from './routes.js';
import { type UnaryCall, unary } from './unary.js';

export function optimizationsRoutes(
  context: GatewayContext,
): Omit<Routes<typeof OptimizationsService>, 'followOptimization'> {
  const { limits } = context;
  const started = new RecentRequests<StartOptimizationResponse>({
    limit: limits.rememberedRequests,
    weigh: (answer) => StartOptimizationResponse.encode(answer).finish().byteLength,
  });
  const stopped = new RecentRequests<StopOptimizationResponse>({
    limit: limits.rememberedRequests,
    weigh: (answer) => StopOptimizationResponse.encode(answer).finish().byteLength,
  });

  const start = async (request: StartOptimizationRequest, call: UnaryCall): Promise<StartOptimizationResponse> => {
    if (request.objective !== '') requireObjective(context, request.sessionId, call);
    const access = await reachOptimizers(context, request.sessionId, call);
    const { variables, options } = decodeStart(request);
    const status = await access.optimizers.start(access.session, variables, options);
    return { revision: BigInt(access.session.revision), status: access.status(status) };
  };

  const stop = async (request: StopOptimizationRequest, call: UnaryCall): Promise<StopOptimizationResponse> => {
    const access = await reachOptimizers(context, request.sessionId, call);
    const { variable, options } = decodeStop(request);
    const status = await access.optimizers.stop(access.session, variable, options);
    return { revision: BigInt(access.session.revision), status: access.status(status) };
  };

  return {
    startOptimization: unary(context, OptimizationsService.startOptimization, (request, call) =>
      started.once(keyOf(request, call, aboutStart(request)), () => start(request, call)),
    ),
    // Ids of these requests need not be remembered: a client has one trial, and a trial one result.
    askTrial: unary(context, OptimizationsService.askTrial, async (request, call) => {
      const access = await reachRun(context, request, call);
      optionalText(request.requestId, 'request_id');
      const { optimizationId, clientId } = decodeRunClient(request);
      const values = decodeTried(request.values);
      const asked = await parked(context, call.executeOptions(), (options) =>
        access.optimizers.ask(access.session, optimizationId, clientId, { values, ...options }),
      );
      return {
        trial: asked.type === 'trial' ? encodeTrial(asked.trial) : undefined,
        ended: asked.type === 'ended' ? access.status(asked.status) : undefined,
        revision: BigInt(access.session.revision),
      };
    }),
    tellTrial: unary(context, OptimizationsService.tellTrial, async (request, call) => {
      const access = await reachRun(context, request, call);
      optionalText(request.requestId, 'request_id');
      const { optimizationId, clientId } = decodeRunClient(request);
      const { number, outcome } = decodeTold(request);
      const { trial, status } = await access.optimizers.tell(access.session, optimizationId, clientId, number, outcome);
      return {
        revision: BigInt(access.session.revision),
        trial: encodeEndedTrial(trial),
        status: access.status(status),
      };
    }),
    renewOptimization: unary(context, OptimizationsService.renewOptimization, async (request, call) => {
      const access = await reachRun(context, request, call);
      const { optimizationId, clientId } = decodeRunClient(request);
      const status = access.optimizers.renew(access.session, optimizationId, clientId);
      return { status: access.status(status), revision: BigInt(access.session.revision) };
    }),
    stopOptimization: unary(context, OptimizationsService.stopOptimization, (request, call) =>
      stopped.once(keyOf(request, call, aboutStop(request)), () => stop(request, call)),
    ),
    getOptimizationStatus: unary(context, OptimizationsService.getOptimizationStatus, async (request, call) => {
      const access = await reachOptimizers(context, request.sessionId, call);
      const status = access.optimizers.status(access.session, filledText(request.variable, 'variable'));
      return { revision: BigInt(access.session.revision), status: access.status(status) };
    }),
    getOptimizationHistory: unary(context, OptimizationsService.getOptimizationHistory, async (request, call) => {
      const { session } = await reachOptimizers(context, request.sessionId, call);
      const { variable, options } = decodeHistory(request);
      const entries = session.trialsOf(variable, options);
      const name = session.lookUp(variable)?.name ?? variable;
      return {
        revision: BigInt(session.revision),
        trials: entries.map((entry) => encodeHistoryRecord(entry, name)),
      };
    }),
  };
}

interface InSession {
  readonly requestId: string;
  readonly sessionId: string;
}

/** An id is one of its session and of the session on whose behalf it is used: another one may be shown other values. */
function keyOf({ requestId, sessionId }: InSession, call: UnaryCall, about: readonly unknown[]): RequestKey {
  const key = requestKey(requestId, call, JSON.stringify(about));
  const { id, about: wanted } = key;
  if (id === undefined) return key;
  return { id: JSON.stringify([id, sessionId, call.callingSession ?? sessionId]), about: wanted };
}

const aboutStart = ({ variables, optimizer, objective }: StartOptimizationRequest): readonly unknown[] => [
  variables,
  optimizer,
  objective,
];

const aboutStop = ({ variable, optimizationId }: StopOptimizationRequest): readonly unknown[] => [
  variable,
  optimizationId,
];
