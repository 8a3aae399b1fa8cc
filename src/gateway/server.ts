/**
 * The gateway: one gRPC server with our services, health and reflection. It listens, and it drains in order: health says
 * so, open streams are ended with a reason, calls in hand finish, and what is left after the time-out is cut off.
 */

import { Server, ServerCredentials } from '@grpc/grpc-js';
import { SessionsService } from '../gen/coilyard/v1/sessions.js';
import { VariablesService } from '../gen/coilyard/v1/variables.js';
import { WorkersService } from '../gen/coilyard/v1/workers.js';
import type { Clock } from '../kernel/clock.js';
import { CoilyardError, invalidArgument } from '../kernel/errors.js';
import type { TelemetryBus } from '../kernel/telemetry.js';
import type { SessionsPort } from '../sessions/handle.js';
import type { ToolsPort } from '../workers/python-port.js';
import { type Authenticator, bearerAuthenticator } from './authenticator.js';
import { defaultGatewayLimits, type GatewayContext, type GatewayLimits, type WorkerDoor } from './context.js';
import { detailInterceptor } from './detail-interceptor.js';
import { Health } from './health.js';
import { addressOf, isLoopback, type Listener, listen } from './listener.js';
import { OpenStreams } from './open-streams.js';
import { addReflection } from './reflection.js';
import { addRoutes } from './routes.js';
import { sessionsRoutes } from './sessions-service.js';
import { settingsRoutes } from './settings-service.js';
import { dependenciesRoutes } from './dependencies-service.js';
import { transferRoutes } from './transfer-service.js';
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
  /** Default: everyone is let in, as long as the host is a loopback address. */
  readonly authenticator?: Authenticator | undefined;
  readonly limits?: Partial<GatewayLimits> | undefined;
  readonly telemetry: TelemetryBus;
  readonly clock: Clock;
}

export interface Gateway {
  readonly host: string;
  /** The port that it listens on, also when 0 was asked for. */
  readonly port: number;
  /** What clients dial: `host:port`. */
  readonly address: string;
  /** Streams that are open now: watches, attached workers, health watches, reflection. */
  readonly openStreams: number;
  /** Drains and stops. Idempotent; resolves, never rejects, once nothing of it is left. */
  stop(options?: { readonly timeoutMs?: number | undefined }): Promise<GatewayStopped>;
}

export interface GatewayStopped {
  /** Whether calls had to be cut off. */
  readonly forced: boolean;
}

const DEFAULT_HOST = '127.0.0.1';
const DEFAULT_STOP_TIMEOUT_MS = 5000;

/** Throws `invalid_argument` when the host is open to others without credentials, or the address cannot be bound. */
export async function startGateway(options: GatewayOptions): Promise<Gateway> {
  const { host = DEFAULT_HOST, port: wanted = 0, telemetry, clock } = options;
  const limits = { ...defaultGatewayLimits, ...options.limits };
  const authenticator = options.authenticator ?? bearerAuthenticator({});
  if (authenticator.open && !isLoopback(host))
    throw invalidArgument('gateway.host', 'a loopback address unless gateway.token is set', host);
  const openStreams = new OpenStreams();
  const { sessions, workers, tools } = options;
  const context = { sessions, workers, tools, authenticator, telemetry, clock, limits, openStreams };
  const health = new Health(
    ['Sessions', 'Variables', 'Workers'].map((name) => `coilyard.v1.${name}`),
    openStreams,
  );
  const server = createServer(context, health);
  const injector = server.createConnectionInjector(ServerCredentials.createInsecure());
  const listener = await listen(host, wanted, (connection) => injector.injectConnection(connection));
  const { port } = listener;
  telemetry.emit('gateway.listening', { host, port });
  let stopped: Promise<GatewayStopped> | undefined;
  return {
    host,
    port,
    address: addressOf(host, port),
    get openStreams() {
      return openStreams.size;
    },
    stop: ({ timeoutMs = DEFAULT_STOP_TIMEOUT_MS } = {}) => {
      stopped ??= drain({ server, listener, health, context }, timeoutMs);
      return stopped;
    },
  };
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
    interceptors: [detailInterceptor],
  });
  addRoutes(server, SessionsService, sessionsRoutes(context));
  addRoutes(server, VariablesService, {
    ...variablesRoutes(context),
    ...settingsRoutes(context),
    ...dependenciesRoutes(context),
    ...transferRoutes(context),
    watch: watchRoute(context),
  });
  addRoutes(server, WorkersService, { ...workersRoutes(context), attach: attachRoute(context) });
  health.addTo(server);
  addReflection(server, context);
  return server;
}

interface Running {
  readonly server: Server;
  readonly listener: Listener;
  readonly health: Health;
  readonly context: GatewayContext;
}

function drain({ server, listener, health, context }: Running, timeoutMs: number): Promise<GatewayStopped> {
  health.drain();
  context.openStreams.endAll(
    new CoilyardError('store_unavailable', 'the gateway is stopping', {
      execution: 'not_started',
      details: { reason: 'runtime_stopped' },
    }),
  );
  listener.close();
  return new Promise((resolve) => {
    let forced = false;
    const timer = context.clock.setTimer(timeoutMs, () => {
      forced = true;
      listener.cutOff();
    });
    // Calls back once every connection has ended: by itself after its last call, or cut off.
    server.tryShutdown(() => {
      timer.cancel();
      resolve({ forced });
    });
  });
}
