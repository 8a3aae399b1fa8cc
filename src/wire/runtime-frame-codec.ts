/**
 * Frames from the runtime to a worker, to the wire contract and back. Whatever a stranger sends either becomes a frame or
 * throws a typed `CoilyardError` that names the field.
 */

import { invalidArgument } from '../kernel/errors.js';
import { sessionId, workerId } from '../kernel/ids.js';
import { assertNever, err } from '../kernel/result.js';
import type * as wire from '../gen/coilyard/v1/workers.js';
import { attempt } from './attempt.js';
import { decodeErrorDetail, encodeErrorDetail } from './error-detail.js';
import { filledText, safeCount, spanMs } from './fields.js';
import type { AnswerFrame, CallFrame, CallTarget, Recipe, RuntimeFrame, TypedValue } from './frames.js';
import { decodeValue, decodeValues, encodeValue, encodeValues } from './value.js';

/** @throws CoilyardError `invalid_argument` when a value in the frame has no form on the wire. */
export function encodeRuntimeFrame(frame: RuntimeFrame): wire.RuntimeFrame {
  switch (frame.type) {
    case 'welcome': {
      const { workerId, heartbeatIntervalMs, maxFrameBytes = 0, leaseMs = 0 } = frame;
      const value = {
        workerId,
        heartbeatIntervalMs: spanMs(heartbeatIntervalMs),
        maxFrameBytes: BigInt(maxFrameBytes),
        leaseMs: spanMs(leaseMs),
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
        heartbeatIntervalMs: safeCount(frame.value.heartbeatIntervalMs, 'welcome.heartbeat_interval_ms'),
        ...(frame.value.maxFrameBytes === 0n
          ? {}
          : { maxFrameBytes: safeCount(frame.value.maxFrameBytes, 'welcome.max_frame_bytes') }),
        ...(frame.value.leaseMs === 0n ? {} : { leaseMs: safeCount(frame.value.leaseMs, 'welcome.lease_ms') }),
      };
    case 'call':
      return decodeCall(frame.value);
    case 'cancel':
      return { type: 'cancel', callId: safeCount(frame.value.callId, 'cancel.call_id'), reason: frame.value.reason };
    case 'credit':
      return { type: 'credit', callId: safeCount(frame.value.callId, 'credit.call_id'), chunks: frame.value.chunks };
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
    timeoutMs: frame.timeoutMs === undefined ? undefined : spanMs(frame.timeoutMs),
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
    callId: safeCount(call.callId, 'call.call_id'),
    sessionId: call.sessionId === '' ? null : sessionId(call.sessionId),
    target: decodeTarget(call.target),
    arguments: decodeValues(call.arguments, 'call.arguments'),
    variables,
    revision: safeCount(call.revision, 'call.revision'),
    ...(call.timeoutMs === undefined ? {} : { timeoutMs: safeCount(call.timeoutMs, 'call.timeout_ms') }),
    stream: call.stream,
    attempt: call.attempt,
  };
}

function decodeTarget(target: wire.Call['target']): CallTarget {
  if (target === undefined) throw invalidArgument('call.target', 'a tool or a module', undefined);
  if (target.$case === 'tool') return { type: 'tool', name: filledText(target.value, 'call.tool') };
  const { kind, signature, instructions, options, tools } = target.value;
  const recipe: Recipe = {
    kind: filledText(kind, 'call.module.kind'),
    signature,
    ...(instructions === '' ? {} : { instructions }),
    options: decodeValues(options, 'call.module.options'),
    tools,
  };
  return { type: 'module', recipe };
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
  return { type: 'answer', askId: safeCount(askId, 'answer.ask_id'), outcome: decoded };
}
