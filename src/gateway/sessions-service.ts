/** `coilyard.v1.Sessions`: starts, describes, lists and stops sessions. */

import {
  type CreateSessionRequest,
  type CreateSessionResponse,
  SessionsService,
  type StopSessionRequest,
  type StopSessionResponse,
  type Session as WireSession,
} from '../gen/coilyard/v1/sessions.js';
import { CoilyardError } from '../kernel/errors.js';
import type { SessionInfo, StartSessionOptions } from '../sessions/handle.js';
import { filledText, safeCount, wholeMs } from '../wire/fields.js';
import { decodeRecord, encodeRecord } from '../wire/value.js';
import { reporting, requireScope, requireSession } from './authorization.js';
import type { GatewayContext } from './context.js';
import { mayUse, mayUseAll, type Principal } from './principal.js';
import { RecentRequests, requestKey } from './recent-requests.js';
import type { Routes } from './routes.js';
import { type UnaryCall, unary } from './unary.js';

const DEFAULT_PAGE = 100;
const LARGEST_PAGE = 1000;

export function sessionsRoutes(context: GatewayContext): Routes<typeof SessionsService> {
  const { sessions, limits } = context;
  const created = new RecentRequests<CreateSessionResponse>({ limit: limits.rememberedRequests });
  const stopped = new RecentRequests<StopSessionResponse>({ limit: limits.rememberedRequests });
  const find = (id: string) => sessions.find(filledText(id, 'session_id'));

  const create = async (request: CreateSessionRequest, { principal }: UnaryCall): Promise<CreateSessionResponse> => {
    reporting(context, SessionsService.createSession.path, principal, () => requireCreation(principal, request));
    if (!principal.scopes.includes('sessions')) {
      const session = await sessions.find(request.id);
      return { session: encodeSession(session.info()), created: false };
    }
    const options = decodeStart(request);
    try {
      const session = await sessions.start(options);
      return { session: encodeSession(session.info()), created: true };
    } catch (error) {
      const exists = error instanceof CoilyardError && error.code === 'session_exists';
      if (!exists || !request.attachIfExists) throw error;
      const session = await sessions.find(request.id);
      return { session: encodeSession(session.info()), created: false };
    }
  };

  const stop = async (request: StopSessionRequest): Promise<StopSessionResponse> => {
    const session = await find(request.sessionId);
    await session.stop({ keep: request.keep });
    return {};
  };

  return {
    createSession: unary(context, SessionsService.createSession, (request, call) =>
      created.once(requestKey(request.requestId, call, request.id), () => create(request, call)),
    ),
    getSession: unary(context, SessionsService.getSession, async ({ sessionId }) => ({
      session: encodeSession((await find(sessionId)).info()),
    })),
    touchSession: unary(context, SessionsService.touchSession, async ({ sessionId }) => {
      const session = await find(sessionId);
      session.touch();
      return { session: encodeSession(session.info()) };
    }),
    listSessions: unary(context, SessionsService.listSessions, async ({ pageSize, pageToken }, call) => {
      const limit = Math.min(pageSize === 0 ? DEFAULT_PAGE : pageSize, LARGEST_PAGE);
      // One more than asked for says whether there is another page.
      const infos = await sessions.page(pageToken, limit + 1, (id) => mayUse(call.principal, id));
      const page = infos.slice(0, limit);
      const last = infos.length > limit ? page.at(-1)?.id : undefined;
      return { sessions: page.map(encodeSession), nextPageToken: last ?? '' };
    }),
    stopSession: unary(context, SessionsService.stopSession, (request, call) =>
      stopped.once(requestKey(request.requestId, call, request.sessionId), () => stop(request)),
    ),
  };
}

/** Whoever may not start sessions may still attach to one; the id of a new one has to be among the principal's. */
function requireCreation(principal: Principal, { id, attachIfExists }: CreateSessionRequest): void {
  if (id === '' || !attachIfExists) requireScope(principal, 'sessions');
  if (id === '' && !mayUseAll(principal))
    throw new CoilyardError('permission_denied', `${principal.name} has to name the session that it starts`, {
      details: { principal: principal.name },
    });
  requireSession(principal, id);
}

function decodeStart(request: CreateSessionRequest): StartSessionOptions {
  return {
    ...(request.id === '' ? {} : { id: request.id }),
    ...(request.ttlMs === undefined ? {} : { ttlMs: safeCount(request.ttlMs, 'ttl_ms') }),
    metadata: decodeRecord(request.metadata, 'metadata'),
  };
}

function encodeSession(info: SessionInfo): WireSession {
  return {
    id: info.id,
    revision: BigInt(info.revision),
    variableCount: BigInt(info.variableCount),
    metadata: encodeRecord(info.metadata),
    createdAtMs: wholeMs(info.createdAtMs),
    expiresAtMs: info.expiresAtMs === null ? undefined : wholeMs(info.expiresAtMs),
    ttlMs: info.ttlMs === null ? undefined : wholeMs(info.ttlMs),
  };
}
