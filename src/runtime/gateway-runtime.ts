/** The gateway of a runtime: a child of its tree that is started on first use and keeps its port across restarts. */

import { hostname } from 'node:os';
import type { Supervisor } from '../../supervisors/index.js';
import type { RuntimeConfig } from '../config.js';
import { bearerAuthenticator, type WorkerOf } from '../gateway/authenticator.js';
import { addressOf } from '../gateway/listener.js';
import { type Gateway, startGateway } from '../gateway/server.js';
import type { Clock } from '../kernel/clock.js';
import { CoilyardError } from '../kernel/errors.js';
import type { Ignore, Process } from '../kernel/process.js';
import { spawn } from '../kernel/spawn.js';
import type { TelemetryBus } from '../kernel/telemetry.js';
import type { OptimizersPort } from '../optimizers/handle.js';
import type { SessionsPort } from '../sessions/handle.js';
import type { AttachRegistry } from '../workers/attach-registry.js';
import type { ToolsPort } from '../workers/python-port.js';
import { readTls } from './gateway-config.js';

/** How long calls in hand may take to finish when the gateway stops. */
const DRAIN_MS = 3_000;
/** Addresses that say "all of this machine's" and nothing to another one. */
const EVERYWHERE: ReadonlySet<string> = new Set(['0.0.0.0', '::']);

export interface ListeningGateway {
  readonly host: string;
  readonly port: number;
  /** `host:port`, as clients dial it. */
  readonly address: string;
}

/** Where workers of other machines dial in. */
export interface FrontDoor {
  /** `host:port`. */
  readonly address: string;
  /** Whether connections are encrypted, and whether clients have to show a certificate too. */
  readonly tls: 'none' | 'server' | 'mutual';
}

export interface GatewayRuntimeOptions {
  readonly config: RuntimeConfig['gateway'];
  readonly sessions: SessionsPort;
  readonly workers: AttachRegistry;
  readonly tools: () => ToolsPort;
  readonly optimizers: OptimizersPort;
  readonly clock: Clock;
  readonly telemetry: TelemetryBus;
  /** Throws once the runtime is being stopped. */
  readonly refuseIfStopped: () => void;
  /** Adds the gateway to the tree, on first use. */
  readonly adopt: (start: (parent: Supervisor) => Promise<Process | Ignore>) => Promise<unknown>;
}

/** `runtime.gateway`: the rest of it is the runtime's own. */
export type GatewayForUsers = Pick<GatewayRuntime, 'start' | 'address'>;

export class GatewayRuntime {
  readonly #options: GatewayRuntimeOptions;
  #listening: Gateway | undefined;
  #port: number | undefined;
  #workersPort: number | undefined;
  #starting: Promise<void> | undefined;

  constructor(options: GatewayRuntimeOptions) {
    this.#options = options;
  }

  /** Where it listens, `undefined` while it does not. */
  get address(): string | undefined {
    return this.#listening?.address;
  }

  /** What this machine's workers dial; starts listening if need be. @throws as {@link start} does. */
  async workersAddress(): Promise<string> {
    return (await this.#running()).workersAddress;
  }

  /** What workers of other machines dial; starts listening if need be. @throws as {@link start} does. */
  async frontDoor(): Promise<FrontDoor> {
    const { host, port } = await this.#running();
    const tls = this.#options.config === false ? undefined : this.#options.config.tls;
    const address = addressOf(EVERYWHERE.has(host) ? hostname() : host, port);
    return { address, tls: tls === undefined ? 'none' : tls.clientCa === undefined ? 'server' : 'mutual' };
  }

  /** Starts listening; idempotent. @throws `invalid_argument` when the address cannot be had, or none is allowed. */
  async start(): Promise<ListeningGateway> {
    const { host, port, address } = await this.#running();
    return { host, port, address };
  }

  async #running(): Promise<Gateway> {
    if (this.#options.config === false)
      throw new CoilyardError('invalid_argument', 'this runtime was started with gateway: false', {
        details: { field: 'gateway' },
      });
    this.#options.refuseIfStopped();
    this.#starting ??= this.#adopt();
    await this.#starting;
    const listening = this.#listening;
    if (listening === undefined)
      throw new CoilyardError('pool_unavailable', 'the gateway is being restarted', {
        details: { reason: 'restarting' },
      });
    return listening;
  }

  async #adopt(): Promise<void> {
    try {
      await this.#options.adopt((parent) => this.#life(parent));
    } catch (error) {
      this.#starting = undefined;
      // The supervisor says which child failed; the caller wants to know why.
      throw error instanceof CoilyardError && error.cause instanceof CoilyardError ? error.cause : error;
    }
  }

  async #life(parent: Process): Promise<Process | Ignore> {
    let gateway: Gateway | undefined;
    return spawn({
      parent,
      trapExit: true,
      init: async () => {
        gateway = await this.#listen();
        this.#listening = gateway;
        this.#port = gateway.port;
        this.#workersPort = gateway.workersPort;
      },
      terminate: async () => {
        this.#listening = undefined;
        await gateway?.stop({ timeoutMs: DRAIN_MS });
      },
    });
  }

  async #listen(): Promise<Gateway> {
    const { config, sessions, workers, tools, optimizers, clock, telemetry } = this.#options;
    if (config === false) throw new TypeError('a gateway that is forbidden was started');
    const { host, port, token, principals, tls, maxMessageBytes, maxCallBytes, maxStreams, maxConnections } = config;
    const { maxConnectionsPerPrincipal = Infinity } = config;
    const workerOf: WorkerOf = (shown) => workers.workerOf(shown);
    return startGateway({
      host,
      port: this.#port ?? port,
      sessions,
      workers,
      tools: tools(),
      optimizers,
      clock,
      telemetry,
      authenticator: bearerAuthenticator({ token, principals, workerOf }),
      tls: tls && (await readTls(tls)),
      workerOf,
      workersPort: this.#workersPort,
      limits: {
        maxReceiveBytes: maxMessageBytes,
        maxSendBytes: maxMessageBytes,
        maxCarriedBytes: maxCallBytes,
        maxStreamsPerPrincipal: maxStreams,
        maxConnections,
        maxConnectionsPerPrincipal,
      },
    });
  }
}
