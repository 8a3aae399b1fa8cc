/**
 * The gateway: one gRPC server with our services, health and reflection. It listens, and it drains in order: health says
 * so, open streams are ended with a reason, calls in hand finish, and what is left after the time-out is cut off.
 */

import { Server, type ServerCredentials } from '@grpc/grpc-js';
import { CallsService } from '../gen/coilyard/v1/calls.js';
import { OptimizationsService } from '../gen/coilyard/v1/optimizations.js';
import { SessionsService } from '../gen/coilyard/v1/sessions.js';
import { VariablesService } from '../gen/coilyard/v1/variables.js';
import { WorkersService } from '../gen/coilyard/v1/workers.js';
import type { Clock } from '../kernel/clock.js';
import { CoilyardError, invalidArgument } from '../kernel/errors.js';
import type { TelemetryBus } from '../kernel/telemetry.js';
import type { OptimizersPort } from '../optimizers/handle.js';
import type { SessionsPort } from '../sessions/handle.js';
import type { ToolsPort } from '../workers/python-port.js';
import { type Authenticator, bearerAuthenticator, type WorkerOf, workersOnly } from './authenticator.js';
import { defaultGatewayLimits, type GatewayContext, type GatewayLimits, type WorkerDoor } from './context.js';
import { carryRoute } from './carry-service.js';
import { ConnectionQuota } from './connection-quota.js';
import { detailInterceptor } from './detail-interceptor.js';
import { followRoute } from './follow-service.js';
import { guardHeaders } from './header-guard.js';
import { Health } from './health.js';
import { addressOf, isLoopback, type Listener, listen, DEFAULT_HOST } from './listener.js';
import { OpenStreams } from './open-streams.js';
import { optimizationsRoutes } from './optimizations-service.js';
import { addReflection } from './reflection.js';
import { addRoutes, unaryMethods } from './routes.js';
import { sessionsRoutes } from './sessions-service.js';
import { settingsRoutes } from './settings-service.js';
import { dependenciesRoutes } from './dependencies-service.js';
import { transferRoutes } from './transfer-service.js';
import { StreamQuota } from './stream-quota.js';
import { serverCredentials, type TlsMaterial } from './tls.js';
import { variablesRoutes } from './variables-service.js';
import { watchRoute } from './watch-service.js';
import { attachRoute } from './worker-stream.js';
import { workersRoutes } from './workers-service.js';

export interface GatewayOptions {
  /** Default 127.0.0.1. Anything but a loopback address needs credentials. */
  readonly host?: string | undefined;
  /** Default 0: any free port. */
  readonly port?: number | undefined;
  readonly sessions: SessionsPort;
  readonly workers: WorkerDoor;
  /** What `ListTools` and `CallTool` offer. Default: nothing. */
  readonly tools?: ToolsPort | undefined;
  /** What runs optimizations. Default: nothing does. */
  readonly optimizers?: OptimizersPort | undefined;
  /** Default: everyone is let in, as long as the host is a loopback address. */
  readonly authenticator?: Authenticator | undefined;
  readonly limits?: Partial<GatewayLimits> | undefined;
  /** Default: connections are not encrypted. */
  readonly tls?: TlsMaterial | undefined;
  /** Who of this machine's workers holds a token. With `tls` they are given a door of their own on the loopback. */
  readonly workerOf?: WorkerOf | undefined;
  /** The port of that door. Default 0: any that is free. */
  readonly workersPort?: number | undefined;
  readonly telemetry: TelemetryBus;
  readonly clock: Clock;
}

export interface Gateway {
  readonly host: string;
  /** The port that it listens on, also when 0 was asked for. */
  readonly port: number;
  /** What clients dial: `host:port`. */
  readonly address: string;
  /** What this machine's workers dial: the same address, unless connections there are encrypted. */
  readonly workersAddress: string;
  readonly workersPort: number;
  /** Streams that are open now: watches, followed optimizations, attached workers, health watches, reflection. */
  readonly openStreams: number;
  /** Drains and stops. Idempotent; resolves, never rejects, once nothing of it is left. */
  stop(options?: { readonly timeoutMs?: number | undefined }): Promise<GatewayStopped>;
}

export interface GatewayStopped {
  /** Whether calls had to be cut off. */
  readonly forced: boolean;
}

const DEFAULT_STOP_TIMEOUT_MS = 5000;

/** Throws `invalid_argument` when the host is open to others without credentials, or the address cannot be bound. */
export async function startGateway(options: GatewayOptions): Promise<Gateway> {
  const { host = DEFAULT_HOST, port: wanted = 0, telemetry, clock, tls, workerOf = () => undefined } = options;
  const limits = { ...defaultGatewayLimits, ...options.limits };
  const authenticator = options.authenticator ?? bearerAuthenticator({ workerOf });
  if (authenticator.open && tls?.clientCa === undefined && !isLoopback(host))
    throw invalidArgument(
      'gateway.host',
      'a loopback address unless gateway.token, gateway.principals or gateway.tls.clientCa is set',
      host,
    );
  const credentials = serverCredentials(tls);
  const openStreams = new OpenStreams();
  const quota = new StreamQuota(limits.maxStreamsPerPrincipal);
  const connections = new ConnectionQuota(limits.maxConnectionsPerPrincipal);
  const { sessions, workers, tools, optimizers } = options;
  const context = {
    sessions,
    workers,
    tools,
    optimizers,
    authenticator,
    telemetry,
    clock,
    limits,
    openStreams,
    parkedCalls: new OpenStreams(),
    quota,
    connections,
  };
  const health = new Health(
    ['Sessions', 'Variables', 'Workers', 'Calls', 'Optimizations'].map((name) => `coilyard.v1.${name}`),
    openStreams,
    quota,
  );
  const doors = [await openDoor(context, health, credentials, host, wanted)];
  if (tls !== undefined)
    try {
      const forWorkers = { ...context, authenticator: workersOnly(workerOf) };
      doors.push(
        await openDoor(forWorkers, health, serverCredentials(undefined), DEFAULT_HOST, options.workersPort ?? 0),
      );
    } catch (error) {
      for (const { listener } of doors) listener.close();
      throw error;
    }
  const [front] = doors;
  const back = doors.at(-1);
  if (front === undefined || back === undefined) throw new TypeError('a gateway without a door');
  const { port } = front.listener;
  telemetry.emit('gateway.listening', { host, port });
  let stopped: Promise<GatewayStopped> | undefined;
  return {
    host,
    port,
    address: addressOf(host, port),
    workersAddress: addressOf(back.host, back.listener.port),
    workersPort: back.listener.port,
    get openStreams() {
      return openStreams.size;
    },
    stop: ({ timeoutMs = DEFAULT_STOP_TIMEOUT_MS } = {}) => {
      stopped ??= drain({ doors, health, context }, timeoutMs);
      return stopped;
    },
  };
}

/** One listening address with its server. */
interface Door {
  readonly host: string;
  readonly server: Server;
  readonly listener: Listener;
}

async function openDoor(
  context: GatewayContext,
  health: Health,
  credentials: ServerCredentials,
  host: string,
  port: number,
): Promise<Door> {
  const server = createServer(context, health);
  const injector = server.createConnectionInjector(credentials);
  guardHeaders(server);
  const { maxConnections } = context.limits;
  const listener = await listen({ host, port, maxConnections }, (connection) => {
    context.connections.opened(connection);
    injector.injectConnection(connection);
  });
  return { host, server, listener };
}

function createServer(context: GatewayContext, health: Health): Server {
  const { limits } = context;
  const server = new Server({
    'grpc.max_receive_message_length': limits.maxReceiveBytes,
    'grpc.max_send_message_length': limits.maxSendBytes,
    'grpc.max_concurrent_streams': limits.maxConcurrentStreams,
    'grpc.keepalive_time_ms': limits.keepaliveMs,
    'grpc.keepalive_timeout_ms': limits.keepaliveTimeoutMs,
    // Costs 10 to 15 % of the calls per second.
    'grpc.enable_channelz': 0,
    interceptors: [detailInterceptor()],
  });
  const sessions = sessionsRoutes(context);
  const variables = {
    ...variablesRoutes(context),
    ...settingsRoutes(context),
    ...dependenciesRoutes(context),
    ...transferRoutes(context),
  };
  const workers = workersRoutes(context);
  const optimizations = optimizationsRoutes(context);
  const unary = unaryMethods(sessions, variables, workers, optimizations);
  addRoutes(server, context, SessionsService, sessions);
  addRoutes(server, context, VariablesService, { ...variables, watch: watchRoute(context) });
  addRoutes(server, context, WorkersService, { ...workers, attach: attachRoute(context) });
  addRoutes(server, context, OptimizationsService, { ...optimizations, followOptimization: followRoute(context) });
  addRoutes(server, context, CallsService, { carry: carryRoute(context, unary) });
  health.addTo(server);
  addReflection(server, context);
  return server;
}

interface Running {
  readonly doors: readonly Door[];
  readonly health: Health;
  readonly context: GatewayContext;
}

async function drain({ doors, health, context }: Running, timeoutMs: number): Promise<GatewayStopped> {
  health.drain();
  const stopping = new CoilyardError('store_unavailable', 'the gateway is stopping', {
    execution: 'not_started',
    details: { reason: 'runtime_stopped' },
  });
  context.openStreams.endAll(stopping);
  context.parkedCalls.endAll(stopping);
  for (const { listener } of doors) listener.close();
  let forced = false;
  const timer = context.clock.setTimer(timeoutMs, () => {
    forced = true;
    for (const { listener } of doors) listener.cutOff();
  });
  await Promise.all(doors.map(({ server }) => ended(server)));
  timer.cancel();
  // Whoever has said nothing yet on an encrypted connection is none of grpc-js's; it would keep the process alive.
  for (const { listener } of doors) listener.cutOff();
  return { forced };
}

/** Once every connection has ended: by itself after its last call, or cut off. */
const ended = (server: Server): Promise<void> =>
  new Promise((resolve) => {
    server.tryShutdown(() => resolve());
  });
