/** `coilyard.v1.Optimizations` but its stream: runs are started, asked, told and stopped through the port of optimizers. */

import {
  OptimizationsService,
  type StartOptimizationRequest,
  StartOptimizationResponse,
  type StopOptimizationRequest,
  StopOptimizationResponse,
} from '../gen/coilyard/v1/optimizations.js';
import { CoilyardError } from '../kernel/errors.js';
import type { OptimizersPort } from '../optimizers/handle.js';
import type { ExecuteOptions, SessionHandle } from '../sessions/handle.js';
import { filledText, optionalText } from '../wire/fields.js';
import { encodeEndedTrial, encodeHistoryRecord, encodeRunStatus, encodeTrial } from '../wire/optimization-replies.js';
import {
  decodeHistory,
  decodeRunClient,
  decodeStart,
  decodeStop,
  decodeTold,
  decodeTried,
} from '../wire/optimizations.js';
import { findSession } from './caller.js';
import type { GatewayContext } from './context.js';
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
  const reach = async (id: string, call: UnaryCall): Promise<Reached> => {
    const session = await findSession(context, id, call);
    return { session, optimizers: optimizersOf(context) };
  };

  const start = async (request: StartOptimizationRequest, call: UnaryCall): Promise<StartOptimizationResponse> => {
    const { session, optimizers } = await reach(request.sessionId, call);
    const { variables, options } = decodeStart(request);
    const status = await optimizers.start(session, variables, options);
    return { revision: BigInt(session.revision), status: encodeRunStatus(status) };
  };

  const stop = async (request: StopOptimizationRequest, call: UnaryCall): Promise<StopOptimizationResponse> => {
    const { session, optimizers } = await reach(request.sessionId, call);
    const { variable, options } = decodeStop(request);
    const status = await optimizers.stop(session, variable, options);
    return { revision: BigInt(session.revision), status: encodeRunStatus(status) };
  };

  return {
    startOptimization: unary(context, OptimizationsService.startOptimization, (request, call) =>
      started.once(keyOf(request, call, aboutStart(request)), () => start(request, call)),
    ),
    // Ids of these requests need not be remembered: a client has one trial, and a trial one result.
    askTrial: unary(context, OptimizationsService.askTrial, async (request, call) => {
      const { session, optimizers } = await reach(request.sessionId, call);
      optionalText(request.requestId, 'request_id');
      const { optimizationId, clientId } = decodeRunClient(request);
      const values = decodeTried(request.values);
      const asked = await parked(context, call.executeOptions(), (options) =>
        optimizers.ask(session, optimizationId, clientId, { values, ...options }),
      );
      return {
        trial: asked.type === 'trial' ? encodeTrial(asked.trial) : undefined,
        ended: asked.type === 'ended' ? encodeRunStatus(asked.status) : undefined,
        revision: BigInt(session.revision),
      };
    }),
    tellTrial: unary(context, OptimizationsService.tellTrial, async (request, call) => {
      const { session, optimizers } = await reach(request.sessionId, call);
      optionalText(request.requestId, 'request_id');
      const { optimizationId, clientId } = decodeRunClient(request);
      const { number, outcome } = decodeTold(request);
      const { trial, status } = await optimizers.tell(session, optimizationId, clientId, number, outcome);
      return {
        revision: BigInt(session.revision),
        trial: encodeEndedTrial(trial),
        status: encodeRunStatus(status),
      };
    }),
    renewOptimization: unary(context, OptimizationsService.renewOptimization, async (request, call) => {
      const { session, optimizers } = await reach(request.sessionId, call);
      const { optimizationId, clientId } = decodeRunClient(request);
      const status = optimizers.renew(session, optimizationId, clientId);
      return { status: encodeRunStatus(status), revision: BigInt(session.revision) };
    }),
    stopOptimization: unary(context, OptimizationsService.stopOptimization, (request, call) =>
      stopped.once(keyOf(request, call, aboutStop(request)), () => stop(request, call)),
    ),
    getOptimizationStatus: unary(context, OptimizationsService.getOptimizationStatus, async (request, call) => {
      const { session, optimizers } = await reach(request.sessionId, call);
      const status = optimizers.status(session, filledText(request.variable, 'variable'));
      return { revision: BigInt(session.revision), status: encodeRunStatus(status) };
    }),
    getOptimizationHistory: unary(context, OptimizationsService.getOptimizationHistory, async (request, call) => {
      const { session } = await reach(request.sessionId, call);
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

interface Reached {
  readonly session: SessionHandle;
  readonly optimizers: OptimizersPort;
}

/** @throws CoilyardError `not_optimizing`: a gateway without a runtime behind it runs none. */
export function optimizersOf({ optimizers }: GatewayContext): OptimizersPort {
  if (optimizers !== undefined) return optimizers;
  throw new CoilyardError('not_optimizing', 'this gateway has no optimizers', { details: { reason: 'no_optimizers' } });
}

/**
 * What waits in the caller's time, and no longer than the caller does or the gateway goes on: a stop would otherwise wait for
 * it.
 */
async function parked<Answer>(
  { parkedCalls }: GatewayContext,
  { signal, timeoutMs }: ExecuteOptions,
  wait: (options: ExecuteOptions) => Promise<Answer>,
): Promise<Answer> {
  const interrupted = new AbortController();
  const interrupt = (): void => interrupted.abort(signal?.reason);
  if (signal?.aborted === true) interrupt();
  signal?.addEventListener('abort', interrupt, { once: true });
  let stopping: CoilyardError | undefined;
  const forget = parkedCalls.add((error) => {
    stopping = error;
    interrupted.abort(error);
  });
  try {
    return await wait({ signal: interrupted.signal, timeoutMs });
  } catch (error) {
    throw stopping ?? error;
  } finally {
    forget();
    signal?.removeEventListener('abort', interrupt);
  }
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
