/** `coilyard.v1.Workers` but its stream: the tools of the runtime, for any client. */

import { type CallToolRequest, type CallToolResponse, WorkersService } from '../gen/coilyard/v1/workers.js';
import { CoilyardError } from '../kernel/errors.js';
import { isSessionId } from '../kernel/ids.js';
import { filledText, optionalText } from '../wire/fields.js';
import { encodeToolSpec } from '../wire/worker-frame-codec.js';
import { decodeValues, encodeValue } from '../wire/value.js';
import type { ToolsPort } from '../workers/python-port.js';
import type { GatewayContext } from './context.js';
import { RecentRequests, requestKey } from './recent-requests.js';
import type { Routes } from './routes.js';
import { type UnaryCall, unary } from './unary.js';

/** A gateway without a runtime behind it has no tools. */
const none: ToolsPort = {
  listTools: () => [],
  callTool: async ({ name }) => {
    throw new CoilyardError('tool_not_found', `there is no tool ${name}`, { details: { tool: name } });
  },
};

export function workersRoutes(context: GatewayContext): Omit<Routes<typeof WorkersService>, 'attach'> {
  const { tools = none, limits } = context;
  const called = new RecentRequests<CallToolResponse>({ limit: limits.rememberedRequests, weigh: weightOf });

  const callTool = async (request: CallToolRequest, call: UnaryCall): Promise<CallToolResponse> => {
    const { name, idempotent, sessionId } = request;
    if (sessionId !== '' && !isSessionId(sessionId))
      throw new CoilyardError('session_not_found', 'there is no session of this id', { details: { sessionId } });
    const result = await tools.callTool({
      name: filledText(name, 'name'),
      arguments: decodeValues(request.arguments, 'arguments'),
      sessionId: sessionId === '' ? null : sessionId,
      idempotent,
      pool: optionalText(request.pool, 'pool'),
      ...call.executeOptions(),
    });
    return { result: encodeResult(result) };
  };

  return {
    listTools: unary(context, WorkersService.listTools, ({ pool }) => ({
      tools: tools
        .listTools(optionalText(pool, 'pool'))
        .map((listed) => ({ tool: encodeToolSpec(listed.tool), pool: listed.pool ?? '' })),
    })),
    callTool: unary(context, WorkersService.callTool, (request, call) =>
      called.once(requestKey(request.requestId, call, aboutOf(request)), () => callTool(request, call)),
    ),
  };
}

const aboutOf = ({ name, pool, sessionId }: CallToolRequest): string => JSON.stringify([name, pool, sessionId]);

/** What may be large in a result. */
function weightOf({ result }: CallToolResponse): number {
  const kind = result?.kind;
  switch (kind?.$case) {
    case 'text':
    case 'json':
    case 'bigInteger':
      return kind.value.length;
    case 'embedding':
    case 'tensor':
      return kind.value.data.byteLength;
    default:
      return 0;
  }
}

/** The work was done: that its result has no form on the wire does not undo it. */
function encodeResult(result: unknown): CallToolResponse['result'] {
  try {
    return encodeValue(result ?? null);
  } catch (error) {
    if (!(error instanceof CoilyardError)) throw error;
    throw new CoilyardError(error.code, `the result cannot be sent: ${error.message}`, {
      details: error.details,
      execution: 'done',
    });
  }
}
