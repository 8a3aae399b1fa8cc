/** The values of `coilyard.v1.Variables`: one command or one read for each method. */

import {
  type GetVariablesResponse,
  type UpdateVariablesRequest,
  type UpdateVariablesResponse,
  type VariableOutcome,
  VariablesService,
} from '../gen/coilyard/v1/variables.js';
import { CoilyardError, describeValue, toCoilyardError } from '../kernel/errors.js';
import type { SessionHandle } from '../sessions/handle.js';
import { encodeErrorDetail } from '../wire/error-detail.js';
import { boundedList, filledText } from '../wire/fields.js';
import {
  decodeDelete,
  decodeFilter,
  decodeHistoryRange,
  decodeRegister,
  decodeSet,
  decodeUpdate,
  decodeWrite,
  encodeHistoryEntry,
  encodeOutcome,
  encodeVariable,
} from '../wire/variables.js';
import { findSession, isGuest } from './caller.js';
import type { GatewayContext } from './context.js';
import { toldToGuest } from './guests.js';
import { RecordReplies } from './record-reply.js';
import type { Routes } from './routes.js';
import { type UnaryCall, unary } from './unary.js';

type Served =
  | 'registerVariables'
  | 'getVariable'
  | 'getVariables'
  | 'setVariable'
  | 'updateVariables'
  | 'deleteVariable'
  | 'listVariables'
  | 'getVariableHistory';

export function variablesRoutes(context: GatewayContext): Pick<Routes<typeof VariablesService>, Served> {
  const { maxBatch } = context.limits;
  const records = new RecordReplies();
  const find = (id: string, call: UnaryCall): Promise<SessionHandle> => findSession(context, id, call);

  const update = async (request: UpdateVariablesRequest, call: UnaryCall): Promise<UpdateVariablesResponse> => {
    boundedList(request.writes, 'writes', maxBatch);
    const session = await find(request.sessionId, call);
    const isForGuest = isGuest(request.sessionId, call);
    const { writes, unreadable } = readWrites(request);
    const command = { ...decodeUpdate(request), writes };
    const reply = await session.execute(command, call.executeOptions());
    const carriedOut = reply.outcomes
      .map((outcome) => encodeOutcome(isForGuest ? toldOutcome(outcome, request, call) : outcome))
      .values();
    const outcomes = request.writes.map(
      (_write, index): VariableOutcome => unreadable.get(index) ?? carriedOut.next().value ?? unanswered(),
    );
    return { ok: reply.ok && unreadable.size === 0, revision: BigInt(reply.revision), outcomes };
  };

  return {
    registerVariables: unary(context, VariablesService.registerVariables, async (request, call) => {
      boundedList(request.variables, 'variables', maxBatch);
      const session = await find(request.sessionId, call);
      const reply = await session.execute(decodeRegister(request), call.executeOptions());
      return { revision: BigInt(reply.revision), variables: reply.variables.map(encodeVariable) };
    }),
    getVariable: unary(
      context,
      records.of(VariablesService.getVariable),
      async ({ sessionId, variable: reference }, call) => {
        const session = await find(sessionId, call);
        const variable = session.lookUp(filledText(reference, 'variable'));
        if (variable === undefined) throw variableNotFound(reference);
        return { revision: session.revision, variable };
      },
    ),
    getVariables: unary(context, VariablesService.getVariables, async (request, call) => {
      const session = await find(request.sessionId, call);
      const variables: GetVariablesResponse['variables'] = new Map();
      for (const reference of boundedList(request.variables, 'variables', maxBatch)) {
        const record = session.lookUp(reference);
        if (record !== undefined) variables.set(reference, encodeVariable(record));
      }
      return { revision: BigInt(session.revision), variables };
    }),
    setVariable: unary(context, records.of(VariablesService.setVariable), async (request, call) => {
      const session = await find(request.sessionId, call);
      return session.execute(decodeSet(request), call.executeOptions());
    }),
    updateVariables: unary(context, VariablesService.updateVariables, update),
    deleteVariable: unary(context, VariablesService.deleteVariable, async (request, call) => {
      const session = await find(request.sessionId, call);
      const reply = await session.execute(decodeDelete(request), call.executeOptions());
      return { revision: BigInt(reply.revision) };
    }),
    listVariables: unary(context, VariablesService.listVariables, async (request, call) => {
      const session = await find(request.sessionId, call);
      const isListed = decodeFilter(request);
      const variables = Array.from(session.records()).filter(isListed).map(encodeVariable);
      return { revision: BigInt(session.revision), variables };
    }),
    getVariableHistory: unary(context, VariablesService.getVariableHistory, async (request, call) => {
      const session = await find(request.sessionId, call);
      const { limit, offset } = decodeHistoryRange(request);
      const reference = filledText(request.variable, 'variable');
      const entries = session.historyOf(reference, limit, offset);
      const type = session.lookUp(reference)?.type ?? '';
      return { revision: BigInt(session.revision), entries: entries.map((entry) => encodeHistoryEntry(entry, type)) };
    }),
  };
}

type Outcome = Parameters<typeof encodeOutcome>[0];

/** What a guest is told of one write. */
const toldOutcome = (outcome: Outcome, { sessionId }: UpdateVariablesRequest, { principal }: UnaryCall): Outcome =>
  outcome.ok ? outcome : { ...outcome, error: toldToGuest(outcome.error, principal, sessionId) };

type Write = ReturnType<typeof decodeWrite>;

/**
 * A write that cannot be read fails for itself, as one that is refused does. An atomic batch with such a write is
 * refused as a whole, before anything is asked of the session.
 */
function readWrites(request: UpdateVariablesRequest): {
  readonly writes: readonly Write[];
  readonly unreadable: ReadonlyMap<number, VariableOutcome>;
} {
  const writes: Write[] = [];
  const unreadable = new Map<number, VariableOutcome>();
  for (const [index, write] of request.writes.entries()) {
    try {
      writes.push(decodeWrite(write, `writes[${index}].`));
    } catch (error) {
      if (request.atomic) throw error;
      const value = encodeErrorDetail(toCoilyardError(error));
      unreadable.set(index, { variable: write.variable, outcome: { $case: 'error', value } });
    }
  }
  return { writes, unreadable };
}

function unanswered(): never {
  throw new CoilyardError('internal', 'a batch was answered with fewer outcomes than it has writes');
}

function variableNotFound(reference: string): CoilyardError {
  return new CoilyardError('variable_not_found', `there is no variable ${describeValue(reference)}`, {
    details: { variable: reference },
  });
}
