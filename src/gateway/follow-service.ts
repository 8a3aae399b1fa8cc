/**
 * `Optimizations.FollowOptimization`: the trials of a run as they end, as many to a message as fit into it. What a slow
 * reader has not taken waits in the run, which keeps its trials anyway.
 */

import { BinaryWriter } from '@bufbuild/protobuf/wire';
import type { handleServerStreamingCall } from '@grpc/grpc-js';
import {
  OptimizationsService,
  OptimizationStatus as WireStatus,
  OptimizationTrial as WireTrial,
} from '../gen/coilyard/v1/optimizations.js';
import type { EndedTrial, TrialReader } from '../optimizers/handle.js';
import type { OptimizationStatus } from '../sessions/handle.js';
import { safeCount } from '../wire/fields.js';
import { encodeEndedTrial } from '../wire/optimization-replies.js';
import { bufferOf } from './bytes.js';
import type { GatewayContext } from './context.js';
import { reachRun } from './optimizers-access.js';
import { serverStream, type StreamSource } from './server-stream.js';

/** Of `FollowOptimizationResponse`: `trials`, `ended`. */
const TRIALS_TAG = 10;
const ENDED_TAG = 18;
/** Trials that are taken at a time. */
const MOST_TRIALS = 256;
/** Trials share a message up to this size: it is what a reader costs that does not read. */
const PACK_BYTES = 64 * 1024;
/** Room for the tag and the length of what is in a message. */
const HEADROOM = 16;

export function followRoute(context: GatewayContext): handleServerStreamingCall<Buffer, Buffer> {
  const { maxSendBytes } = context.limits;
  return serverStream(context, OptimizationsService.followOptimization, async (request, caller) => {
    const access = await reachRun(context, request, caller);
    const after = safeCount(request.afterIteration, 'after_iteration');
    const reader = access.optimizers.follow(access.session, request.optimizationId, after);
    return new FollowSource(reader, (status) => access.status(status), maxSendBytes);
  });
}

export class FollowSource implements StreamSource {
  readonly #reader: TrialReader;
  readonly #show: (status: OptimizationStatus) => WireStatus;
  readonly #maxBytes: number;
  /** Taken and not yet sent. */
  #trials: readonly EndedTrial[] = [];
  #at = 0;
  #end: OptimizationStatus | undefined;
  #isComplete = false;

  /**
   * @param show a status as its reader may be shown it.
   * @param maxBytes of one message.
   */
  constructor(reader: TrialReader, show: (status: OptimizationStatus) => WireStatus, maxBytes: number) {
    this.#reader = reader;
    this.#show = show;
    this.#maxBytes = maxBytes - HEADROOM;
  }

  next(): Buffer | undefined {
    if (this.#isComplete) return undefined;
    if (this.#at === this.#trials.length && this.#end === undefined) this.#take();
    const writer = new BinaryWriter();
    const size = this.#writeTrials(writer);
    const isRest = this.#at === this.#trials.length;
    if (isRest && this.#end !== undefined) this.#writeEnd(writer, this.#end, size);
    else if (size === 0) return undefined;
    return bufferOf(writer);
  }

  onReady(wake: () => void): void {
    this.#reader.onReady(wake);
  }

  get ended(): 'complete' | undefined {
    return this.#isComplete ? 'complete' : undefined;
  }

  close(): void {
    this.#isComplete = true;
    this.#trials = [];
    this.#reader.close();
  }

  #take(): void {
    const taken = this.#reader.take(MOST_TRIALS);
    this.#trials = taken?.trials ?? [];
    this.#at = 0;
    this.#end = taken?.ended;
  }

  /** As many as fit, and one however large. @returns how many bytes they take. */
  #writeTrials(writer: BinaryWriter): number {
    const room = Math.min(PACK_BYTES, this.#maxBytes);
    let size = 0;
    for (; this.#at < this.#trials.length; this.#at += 1) {
      const trial = this.#trials[this.#at];
      if (trial === undefined) continue;
      const bytes = trialWithin(trial, this.#maxBytes);
      if (size > 0 && size + bytes.byteLength > room) break;
      writer.uint32(TRIALS_TAG).bytes(bytes);
      size += bytes.byteLength + HEADROOM;
    }
    return size;
  }

  /** In a message of its own when it does not fit beside the last trials. */
  #writeEnd(writer: BinaryWriter, end: OptimizationStatus, size: number): void {
    const bytes = statusWithin(this.#show(end), this.#maxBytes);
    if (size > 0 && size + bytes.byteLength > this.#maxBytes) return;
    writer.uint32(ENDED_TAG).bytes(bytes);
    this.#isComplete = true;
  }
}

/** As much of a trial as one message takes: that it ended matters most. */
function trialWithin(trial: EndedTrial, maxBytes: number): Uint8Array {
  const message = encodeEndedTrial(trial);
  const forms = [{}, { values: new Map() }, { metrics: new Map(), error: '' }];
  return firstWithin(WireTrial, message, forms, maxBytes);
}

/** As much of a status as one message takes: how the run has ended matters most. */
function statusWithin(status: WireStatus, maxBytes: number): Uint8Array {
  const forms = [{}, { bestValues: new Map() }, { bestMetrics: new Map(), error: '' }];
  return firstWithin(WireStatus, status, forms, maxBytes);
}

interface Codec<Message> {
  encode(message: Message): { finish(): Uint8Array };
}

/** @param without what is left out, one after the other, until it fits. */
function firstWithin<Message extends object>(
  codec: Codec<Message>,
  whole: Message,
  without: readonly Partial<Message>[],
  maxBytes: number,
): Uint8Array {
  let message = whole;
  let bytes: Uint8Array = new Uint8Array();
  for (const less of without) {
    message = { ...message, ...less };
    bytes = codec.encode(message).finish();
    if (bytes.byteLength <= maxBytes) break;
  }
  return bytes;
}
