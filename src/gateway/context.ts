/** What every service of one gateway shares. */

import type { Clock } from '../kernel/clock.js';
import type { TelemetryBus } from '../kernel/telemetry.js';
import type { OptimizersPort } from '../optimizers/handle.js';
import type { SessionsPort } from '../sessions/handle.js';
import type { Attachment, FrameReceiver } from '../workers/attachment.js';
import type { ToolsPort } from '../workers/python-port.js';
import type { Authenticator } from './authenticator.js';
import type { ConnectionQuota } from './connection-quota.js';
import type { OpenStreams } from './open-streams.js';
import type { StreamQuota } from './stream-quota.js';

export interface GatewayLimits {
  /** Bytes of one received message. Default 16 MiB. */
  readonly maxReceiveBytes: number;
  /** Bytes of one sent message. Default 16 MiB. */
  readonly maxSendBytes: number;
  /**
   * Bytes of one reply over `Calls.Carry`, and of all requests of one such stream that come in pieces. Default 256 MiB.
   */
  readonly maxCarriedBytes: number;
  /** Entries of one list in a request: names to read or to watch, variables to register, writes. Default 10,000. */
  readonly maxBatch: number;
  /** Calls at the same time on one connection, watches included, and on one stream of `Calls.Carry`. Default 10,000. */
  readonly maxConcurrentStreams: number;
  /** Streams of one principal at the same time: watches, followed optimizations, streams of calls, and reflection. Default 10,000. */
  readonly maxStreamsPerPrincipal: number;
  /** Connections at the same time that one principal calls over. Default: as many as there are. */
  readonly maxConnectionsPerPrincipal: number;
  /** Connections at the same time, of all clients together. Default 10,000. */
  readonly maxConnections: number;
  /** How often a silent connection is asked whether it lives. Default 30,000. */
  readonly keepaliveMs: number;
  /** How long it may take to answer that. Default 20,000. */
  readonly keepaliveTimeoutMs: number;
  /** Retried requests outside of a session that are recognised. Default 10,000. */
  readonly rememberedRequests: number;
}

export const defaultGatewayLimits: GatewayLimits = Object.freeze({
  maxReceiveBytes: 16 * 1024 * 1024,
  maxSendBytes: 16 * 1024 * 1024,
  maxCarriedBytes: 256 * 1024 * 1024,
  maxBatch: 10_000,
  maxConcurrentStreams: 10_000,
  maxStreamsPerPrincipal: 10_000,
  maxConnectionsPerPrincipal: Infinity,
  maxConnections: 10_000,
  keepaliveMs: 30_000,
  keepaliveTimeoutMs: 20_000,
  rememberedRequests: 10_000,
});

/** Where workers that dial in are received; `AttachRegistry` is one. */
export interface WorkerDoor {
  accept(attachment: Attachment): FrameReceiver;
}

export interface GatewayContext {
  readonly sessions: SessionsPort;
  readonly workers: WorkerDoor;
  /** Absent: there are none. */
  readonly tools?: ToolsPort | undefined;
  /** Absent: there are none. */
  readonly optimizers?: OptimizersPort | undefined;
  readonly authenticator: Authenticator;
  readonly telemetry: TelemetryBus;
  readonly clock: Clock;
  readonly limits: GatewayLimits;
  readonly openStreams: OpenStreams;
  /** Calls that wait for something to happen, such as asks for a trial: they end as streams do. */
  readonly parkedCalls: OpenStreams;
  readonly quota: StreamQuota;
  readonly connections: ConnectionQuota;
}
