/**
 * Frames to and from the wire contract. Whatever a stranger sends either becomes a frame or throws a typed
 * `CoilyardError` that names the field; a carrier then ends the connection with it.
 */

import { CoilyardError, invalidArgument, toCoilyardError } from '../kernel/errors.js';
import { incarnation, sessionId, workerId } from '../kernel/ids.js';
import { assertNever, err, ok, type Result } from '../kernel/result.js';
import type * as wire from '../gen/coilyard/v1/workers.js';
import { decodeErrorDetail, encodeErrorDetail } from './error-detail.js';
import type {
  AnswerFrame,
  AskFrame,
  CallFrame,
  CallTarget,
  HelloFrame,
  ModuleSpec,
  ProgressFrame,
  Recipe,
  RuntimeFrame,
  ToolSpec,
  TypedValue,
  WorkerFrame,
} from './frames.js';
import { decodeValue, decodeValues, encodeValue, encodeValues } from './value.js';

/** @throws CoilyardError `invalid_argument` when a value in the frame has no form on the wire. */
export function encodeRuntimeFrame(frame: RuntimeFrame): wire.RuntimeFrame {
  switch (frame.type) {
    case 'welcome': {
      const { workerId, heartbeatIntervalMs, maxFrameBytes = 0, leaseMs = 0 } = frame;
      const value = {
        workerId,
        heartbeatIntervalMs: wholeMs(heartbeatIntervalMs),
        maxFrameBytes: BigInt(maxFrameBytes),
        leaseMs: wholeMs(leaseMs),
      };
      return { frame: { $case: 'welcome', value } };
    }
    case 'call':
      return { frame: { $case: 'call', value: encodeCall(frame) } };
    case 'cancel':
      return { frame: { $case: 'cancel', value: { callId: BigInt(frame.callId), reason: frame.reason } } };
    case 'credit':
      return { frame: { $case: 'credit', value: { callId: BigInt(frame.callId), chunks: frame.chunks } } };
    case 'drain':
      return { frame: { $case: 'drain', value: {} } };
    case 'pulse':
      return { frame: { $case: 'pulse', value: {} } };
    case 'answer':
      return { frame: { $case: 'answer', value: encodeAnswer(frame) } };
    default:
      return assertNever(frame);
  }
}

export function decodeRuntimeFrame(message: wire.RuntimeFrame): RuntimeFrame {
  const { frame } = message;
  switch (frame?.$case) {
    case 'welcome':
      return {
        type: 'welcome',
        workerId: workerId(frame.value.workerId),
        heartbeatIntervalMs: safe(frame.value.heartbeatIntervalMs, 'welcome.heartbeat_interval_ms'),
        ...(frame.value.maxFrameBytes === 0n
          ? {}
          : { maxFrameBytes: safe(frame.value.maxFrameBytes, 'welcome.max_frame_bytes') }),
        ...(frame.value.leaseMs === 0n ? {} : { leaseMs: safe(frame.value.leaseMs, 'welcome.lease_ms') }),
      };
    case 'call':
      return decodeCall(frame.value);
    case 'cancel':
      return { type: 'cancel', callId: safe(frame.value.callId, 'cancel.call_id'), reason: frame.value.reason };
    case 'credit':
      return { type: 'credit', callId: safe(frame.value.callId, 'credit.call_id'), chunks: frame.value.chunks };
    case 'drain':
      return { type: 'drain' };
    case 'pulse':
      return { type: 'pulse' };
    case 'answer':
      return decodeAnswerFrame(frame.value);
    case 'piece':
      throw invalidArgument('frame', 'a whole frame', 'a piece');
    case undefined:
      throw invalidArgument('frame', 'one kind of frame', undefined);
    default:
      return assertNever(frame);
  }
}

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
            loopLagMs: wholeMs(frame.loopLagMs),
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
        callId: safe(frame.value.callId, 'failure.call_id'),
        error: decodeErrorDetail(frame.value.error),
      };
    case 'heartbeat':
      return {
        type: 'heartbeat',
        loopLagMs: safe(frame.value.loopLagMs, 'heartbeat.loop_lag_ms'),
        callIds: frame.value.callIds.map((id) => safe(id, 'heartbeat.call_ids')),
        residentBytes: safe(frame.value.residentBytes, 'heartbeat.resident_bytes'),
      };
    case 'draining':
      return { type: 'draining' };
    case 'progress':
      return decodeProgress(frame.value);
    case 'log': {
      const { callId, level, logger, message } = frame.value;
      return { type: 'log', callId: safe(callId, 'log.call_id'), level, logger, message };
    }
    case 'ask':
      return decodeAsk(frame.value);
    case 'askCancel':
      return { type: 'ask_cancel', askId: safe(frame.value.askId, 'ask_cancel.ask_id') };
    case 'piece':
      throw invalidArgument('frame', 'a whole frame', 'a piece');
    case undefined:
      throw invalidArgument('frame', 'one kind of frame', undefined);
    default:
      return assertNever(frame);
  }
}

function encodeCall(frame: CallFrame): wire.Call {
  return {
    callId: BigInt(frame.callId),
    sessionId: frame.sessionId ?? '',
    target: encodeTarget(frame.target),
    arguments: encodeValues(frame.arguments),
    variables: new Map(
      Array.from(frame.variables, ([name, { value, kind }]) => [name, encodeValue(value, kind, name)]),
    ),
    revision: BigInt(frame.revision),
    timeoutMs: frame.timeoutMs === undefined ? undefined : wholeMs(frame.timeoutMs),
    stream: frame.stream,
    attempt: frame.attempt,
  };
}

function encodeTarget(target: CallTarget): NonNullable<wire.Call['target']> {
  if (target.type === 'tool') return { $case: 'tool', value: target.name };
  const { kind, signature, instructions, options, tools } = target.recipe;
  const value = {
    kind,
    signature,
    instructions: instructions ?? '',
    options: encodeValues(options ?? []),
    tools: [...(tools ?? [])],
  };
  return { $case: 'module', value };
}

function decodeCall(call: wire.Call): CallFrame {
  const variables = new Map<string, TypedValue>();
  for (const [name, value] of call.variables) variables.set(name, decodeValue(value, `call.variables.${name}`));
  return {
    type: 'call',
    callId: safe(call.callId, 'call.call_id'),
    sessionId: call.sessionId === '' ? null : sessionId(call.sessionId),
    target: decodeTarget(call.target),
    arguments: decodeValues(call.arguments, 'call.arguments'),
    variables,
    revision: safe(call.revision, 'call.revision'),
    ...(call.timeoutMs === undefined ? {} : { timeoutMs: safe(call.timeoutMs, 'call.timeout_ms') }),
    stream: call.stream,
    attempt: call.attempt,
  };
}

function decodeTarget(target: wire.Call['target']): CallTarget {
  if (target === undefined) throw invalidArgument('call.target', 'a tool or a module', undefined);
  if (target.$case === 'tool') return { type: 'tool', name: filled(target.value, 'call.tool') };
  const { kind, signature, instructions, options, tools } = target.value;
  const recipe: Recipe = {
    kind: filled(kind, 'call.module.kind'),
    signature,
    ...(instructions === '' ? {} : { instructions }),
    options: decodeValues(options, 'call.module.options'),
    tools,
  };
  return { type: 'module', recipe };
}

function encodeAsk(frame: AskFrame): wire.Ask {
  return {
    askId: BigInt(frame.askId),
    callId: BigInt(frame.callId),
    sessionId: frame.sessionId ?? '',
    name: frame.name,
    arguments: encodeValues(frame.arguments.ok ? frame.arguments.value : []),
    timeoutMs: frame.timeoutMs === undefined ? undefined : wholeMs(frame.timeoutMs),
  };
}

function decodeAsk(ask: wire.Ask): AskFrame {
  return {
    type: 'ask',
    askId: safe(ask.askId, 'ask.ask_id'),
    callId: safe(ask.callId, 'ask.call_id'),
    sessionId: ask.sessionId === '' ? null : sessionId(ask.sessionId),
    name: ask.name,
    arguments: attempt(() => decodeValues(ask.arguments, 'arguments')),
    ...(ask.timeoutMs === undefined ? {} : { timeoutMs: safe(ask.timeoutMs, 'ask.timeout_ms') }),
  };
}

function encodeAnswer({ askId, outcome }: AnswerFrame): wire.Answer {
  return {
    askId: BigInt(askId),
    outcome: outcome.ok
      ? { $case: 'result', value: encodeValue(outcome.value) }
      : { $case: 'error', value: encodeErrorDetail(outcome.error) },
  };
}

function decodeAnswerFrame({ askId, outcome }: wire.Answer): AnswerFrame {
  const decoded =
    outcome?.$case === 'result'
      ? attempt(() => decodeValue(outcome.value, 'answer.result').value)
      : err(decodeErrorDetail(outcome?.value));
  return { type: 'answer', askId: safe(askId, 'answer.ask_id'), outcome: decoded };
}

function decodeProgress({ callId, fraction, message }: wire.Progress): ProgressFrame {
  return {
    type: 'progress',
    callId: safe(callId, 'progress.call_id'),
    ...(fraction === undefined || !Number.isFinite(fraction) ? {} : { fraction: Math.min(1, Math.max(0, fraction)) }),
    message,
  };
}

function attempt<T>(read: () => T): Result<T, CoilyardError> {
  try {
    return ok(read());
  } catch (error) {
    return err(toCoilyardError(error));
  }
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
    token: filled(hello.token, 'hello.token'),
    workerId: workerId(filled(hello.workerId, 'hello.worker_id')),
    incarnation: incarnation(atLeastOne(safe(hello.incarnation, 'hello.incarnation'), 'hello.incarnation')),
    pid: safe(hello.pid, 'hello.pid'),
    pythonVersion: hello.pythonVersion,
    sdkVersion: hello.sdkVersion,
    tools: distinct(hello.tools.map(decodeTool), 'hello.tools'),
    modules: distinct(hello.modules.map(decodeModule), 'hello.modules'),
    concurrency: atLeastOne(hello.concurrency, 'hello.concurrency'),
  };
}

export const encodeToolSpec = (tool: ToolSpec): wire.ToolSpec => ({ ...tool, variables: [...(tool.variables ?? [])] });

const decodeTool = (tool: wire.ToolSpec): ToolSpec => ({
  name: filled(tool.name, 'hello.tools.name'),
  description: tool.description,
  parametersSchema: tool.parametersSchema,
  streaming: tool.streaming,
  ...(tool.variables.length === 0 ? {} : { variables: tool.variables }),
});

const decodeModule = (module: wire.ModuleSpec): ModuleSpec => ({
  name: filled(module.name, 'hello.modules.name'),
  description: module.description,
  variables: module.variables,
});

function decodeAnswer(type: 'chunk' | 'result', message: wire.Chunk | wire.Result): WorkerFrame {
  const callId = safe(message.callId, `${type}.call_id`);
  try {
    return { type, callId, value: decodeValue(message.value, `${type}.value`).value };
  } catch (thrown) {
    const cause = toCoilyardError(thrown);
    const { code, message: text, details } = cause;
    const execution = type === 'result' ? 'done' : 'unknown';
    return { type: 'failure', callId, error: new CoilyardError(code, text, { details, execution, cause }) };
  }
}

/** A count or an id of the wire as a number; ids and counts beyond 2^53 are nobody's. */
function safe(count: bigint, field: string): number {
  if (count < 0n || count > BigInt(Number.MAX_SAFE_INTEGER))
    throw invalidArgument(field, `a whole number from 0 to ${Number.MAX_SAFE_INTEGER}`, count);
  return Number(count);
}

const wholeMs = (durationMs: number): bigint => BigInt(Math.max(0, Math.ceil(durationMs)));

function atLeastOne(count: number, field: string): number {
  if (count < 1) throw invalidArgument(field, 'at least 1', count);
  return count;
}

function filled(text: string, field: string): string {
  if (text === '') throw invalidArgument(field, 'a text that is not empty', text);
  return text;
}

function distinct<Spec extends { readonly name: string }>(specs: readonly Spec[], field: string): readonly Spec[] {
  const names = new Set<string>();
  for (const { name } of specs) {
    if (names.has(name)) throw invalidArgument(field, 'each name once', name);
    names.add(name);
  }
  return specs;
}
