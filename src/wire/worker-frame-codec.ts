/**
 * Frames from a worker to the runtime, to the wire contract and back. Whatever a stranger sends either becomes a frame or
 * throws a typed `CoilyardError` that names the field; a carrier then ends the connection with it.
 */

import { CoilyardError, invalidArgument, toCoilyardError } from '../kernel/errors.js';
import { incarnation, sessionId, workerId } from '../kernel/ids.js';
import { assertNever } from '../kernel/result.js';
import type * as wire from '../gen/coilyard/v1/workers.js';
import { attempt } from './attempt.js';
import { decodeErrorDetail, encodeErrorDetail } from './error-detail.js';
import { filledText, safeCount, spanMs } from './fields.js';
import type { AskFrame, HelloFrame, ModuleSpec, ProgressFrame, ToolSpec, WorkerFrame } from './frames.js';
import { decodeValue, decodeValues, encodeValue, encodeValues } from './value.js';

/** @throws CoilyardError `invalid_argument` when a value in the frame has no form on the wire. */
export function encodeWorkerFrame(frame: WorkerFrame): wire.WorkerFrame {
  switch (frame.type) {
    case 'hello':
      return { frame: { $case: 'hello', value: encodeHello(frame) } };
    case 'chunk':
      return { frame: { $case: 'chunk', value: { callId: BigInt(frame.callId), value: encodeValue(frame.value) } } };
    case 'result':
      return { frame: { $case: 'result', value: { callId: BigInt(frame.callId), value: encodeValue(frame.value) } } };
    case 'failure': {
      const error = encodeErrorDetail(frame.error);
      return { frame: { $case: 'failure', value: { callId: BigInt(frame.callId), error } } };
    }
    case 'heartbeat':
      return {
        frame: {
          $case: 'heartbeat',
          value: {
            loopLagMs: spanMs(frame.loopLagMs),
            callIds: frame.callIds.map(BigInt),
            residentBytes: BigInt(frame.residentBytes),
          },
        },
      };
    case 'draining':
      return { frame: { $case: 'draining', value: {} } };
    case 'progress': {
      const { callId, fraction, message } = frame;
      return { frame: { $case: 'progress', value: { callId: BigInt(callId), fraction, message } } };
    }
    case 'log': {
      const { callId, level, logger, message } = frame;
      return { frame: { $case: 'log', value: { callId: BigInt(callId), level, logger, message } } };
    }
    case 'ask':
      return { frame: { $case: 'ask', value: encodeAsk(frame) } };
    case 'ask_cancel':
      return { frame: { $case: 'askCancel', value: { askId: BigInt(frame.askId) } } };
    default:
      return assertNever(frame);
  }
}

/**
 * A value that cannot be read costs its call, not the worker: such a `result` or `chunk` becomes the `failure` of that
 * call.
 */
export function decodeWorkerFrame(message: wire.WorkerFrame): WorkerFrame {
  const { frame } = message;
  switch (frame?.$case) {
    case 'hello':
      return decodeHello(frame.value);
    case 'chunk':
      return decodeAnswer('chunk', frame.value);
    case 'result':
      return decodeAnswer('result', frame.value);
    case 'failure':
      return {
        type: 'failure',
        callId: safeCount(frame.value.callId, 'failure.call_id'),
        error: decodeErrorDetail(frame.value.error),
      };
    case 'heartbeat':
      return {
        type: 'heartbeat',
        loopLagMs: safeCount(frame.value.loopLagMs, 'heartbeat.loop_lag_ms'),
        callIds: frame.value.callIds.map((id) => safeCount(id, 'heartbeat.call_ids')),
        residentBytes: safeCount(frame.value.residentBytes, 'heartbeat.resident_bytes'),
      };
    case 'draining':
      return { type: 'draining' };
    case 'progress':
      return decodeProgress(frame.value);
    case 'log': {
      const { callId, level, logger, message } = frame.value;
      return { type: 'log', callId: safeCount(callId, 'log.call_id'), level, logger, message };
    }
    case 'ask':
      return decodeAsk(frame.value);
    case 'askCancel':
      return { type: 'ask_cancel', askId: safeCount(frame.value.askId, 'ask_cancel.ask_id') };
    case 'piece':
      throw invalidArgument('frame', 'a whole frame', 'a piece');
    case undefined:
      throw invalidArgument('frame', 'one kind of frame', undefined);
    default:
      return assertNever(frame);
  }
}

function encodeAsk(frame: AskFrame): wire.Ask {
  return {
    askId: BigInt(frame.askId),
    callId: BigInt(frame.callId),
    sessionId: frame.sessionId ?? '',
    name: frame.name,
    arguments: encodeValues(frame.arguments.ok ? frame.arguments.value : []),
    timeoutMs: frame.timeoutMs === undefined ? undefined : spanMs(frame.timeoutMs),
  };
}

function decodeAsk(ask: wire.Ask): AskFrame {
  return {
    type: 'ask',
    askId: safeCount(ask.askId, 'ask.ask_id'),
    callId: safeCount(ask.callId, 'ask.call_id'),
    sessionId: ask.sessionId === '' ? null : sessionId(ask.sessionId),
    name: ask.name,
    arguments: attempt(() => decodeValues(ask.arguments, 'arguments')),
    ...(ask.timeoutMs === undefined ? {} : { timeoutMs: safeCount(ask.timeoutMs, 'ask.timeout_ms') }),
  };
}

function decodeProgress({ callId, fraction, message }: wire.Progress): ProgressFrame {
  return {
    type: 'progress',
    callId: safeCount(callId, 'progress.call_id'),
    ...(fraction === undefined || !Number.isFinite(fraction) ? {} : { fraction: Math.min(1, Math.max(0, fraction)) }),
    message,
  };
}

function encodeHello(frame: HelloFrame): wire.Hello {
  const { token, workerId, pythonVersion, sdkVersion, concurrency } = frame;
  return {
    token,
    workerId,
    incarnation: BigInt(frame.incarnation),
    pid: BigInt(frame.pid),
    pythonVersion,
    sdkVersion,
    tools: frame.tools.map(encodeToolSpec),
    modules: frame.modules.map((module) => ({ ...module, variables: [...module.variables] })),
    concurrency,
  };
}

function decodeHello(hello: wire.Hello): HelloFrame {
  return {
    type: 'hello',
    token: filledText(hello.token, 'hello.token'),
    workerId: workerId(filledText(hello.workerId, 'hello.worker_id')),
    incarnation: incarnation(atLeastOne(safeCount(hello.incarnation, 'hello.incarnation'), 'hello.incarnation')),
    pid: safeCount(hello.pid, 'hello.pid'),
    pythonVersion: hello.pythonVersion,
    sdkVersion: hello.sdkVersion,
    tools: distinct(hello.tools.map(decodeTool), 'hello.tools'),
    modules: distinct(hello.modules.map(decodeModule), 'hello.modules'),
    concurrency: atLeastOne(hello.concurrency, 'hello.concurrency'),
  };
}

export const encodeToolSpec = (tool: ToolSpec): wire.ToolSpec => ({ ...tool, variables: [...(tool.variables ?? [])] });

const decodeTool = (tool: wire.ToolSpec): ToolSpec => ({
  name: filledText(tool.name, 'hello.tools.name'),
  description: tool.description,
  parametersSchema: tool.parametersSchema,
  streaming: tool.streaming,
  ...(tool.variables.length === 0 ? {} : { variables: tool.variables }),
});

const decodeModule = (module: wire.ModuleSpec): ModuleSpec => ({
  name: filledText(module.name, 'hello.modules.name'),
  description: module.description,
  variables: module.variables,
});

function decodeAnswer(type: 'chunk' | 'result', message: wire.Chunk | wire.Result): WorkerFrame {
  const callId = safeCount(message.callId, `${type}.call_id`);
  try {
    return { type, callId, value: decodeValue(message.value, `${type}.value`).value };
  } catch (thrown) {
    const cause = toCoilyardError(thrown);
    const { code, message: text, details } = cause;
    const execution = type === 'result' ? 'done' : 'unknown';
    return { type: 'failure', callId, error: new CoilyardError(code, text, { details, execution, cause }) };
  }
}

function atLeastOne(count: number, field: string): number {
  if (count < 1) throw invalidArgument(field, 'at least 1', count);
  return count;
}

function distinct<Spec extends { readonly name: string }>(specs: readonly Spec[], field: string): readonly Spec[] {
  const names = new Set<string>();
  for (const { name } of specs) {
    if (names.has(name)) throw invalidArgument(field, 'each name once', name);
    names.add(name);
  }
  return specs;
}
