/** A gateway on a free port of this machine with the real sessions room behind it, and grpc-js clients to talk to it. */

import {
  type CallOptions,
  type ClientReadableStream,
  type ClientUnaryCall,
  credentials,
  Metadata,
  type ServiceError,
} from '@grpc/grpc-js';
import type { GatewayOptions } from '../../src/gateway/server.js';
import { startGateway } from '../../src/gateway/server.js';
import { CallsClient, CallsService } from '../../src/gen/coilyard/v1/calls.js';
import { OptimizationsClient, OptimizationsService } from '../../src/gen/coilyard/v1/optimizations.js';
import { SessionsClient, SessionsService } from '../../src/gen/coilyard/v1/sessions.js';
import type { Value } from '../../src/gen/coilyard/v1/value.js';
import { VariablesClient, VariablesService } from '../../src/gen/coilyard/v1/variables.js';
import { WorkersClient, WorkersService } from '../../src/gen/coilyard/v1/workers.js';
import { systemClock } from '../../src/kernel/clock.js';
import { CoilyardError } from '../../src/kernel/errors.js';
import { STATUS_DETAILS_KEY } from '../../src/wire/status.js';
import { encodeValue, encodeValues } from '../../src/wire/value.js';
import { CarriedCalls, carried } from './carried-client.js';
import { hostSessions } from './session-host.js';
import { decodeStatus } from './status.js';

export type TestGateway = Awaited<ReturnType<typeof startTestGateway>>;

/** Lets no worker in. */
const nobody: GatewayOptions['workers'] = {
  accept(attachment) {
    attachment.close(new CoilyardError('unauthenticated', 'no worker is expected'));
    return { receive: () => {}, closed: () => {} };
  },
};

export async function startTestGateway(options: Partial<GatewayOptions> = {}) {
  const { clock = systemClock } = options;
  const { sessions, telemetry } = hostSessions({ clock });
  const gateway = await startGateway({ sessions, workers: nobody, telemetry, clock, ...options });
  const open = <Client>(
    kind: new (address: string, channel: ReturnType<typeof credentials.createInsecure>, options?: object) => Client,
  ): Client =>
    new kind(gateway.address, credentials.createInsecure(), {
      'grpc.max_receive_message_length': -1,
      'grpc.max_send_message_length': -1,
      'grpc.use_local_subchannel_pool': 1,
    });
  const own = {
    sessions: open(SessionsClient),
    variables: open(VariablesClient),
    workers: open(WorkersClient),
    optimizations: open(OptimizationsClient),
  };
  const calls = open(CallsClient);
  const over = new CarriedCalls(calls);
  const hangUp = (): void => {
    over.close();
    for (const client of [...Object.values(own), calls]) client.close();
  };
  // The same tests are run a second time with every unary call as a frame.
  const clients = isCarried()
    ? {
        sessions: carried(own.sessions, SessionsService, over),
        variables: carried(own.variables, VariablesService, over),
        workers: carried(own.workers, WorkersService, over),
        optimizations: carried(own.optimizations, OptimizationsService, over),
      }
    : own;
  return {
    gateway,
    sessions,
    telemetry,
    clients,
    calls,
    open,
    /** Closes every connection of these clients. */
    hangUp,
    async stop(): Promise<void> {
      hangUp();
      await gateway.stop({ timeoutMs: 2000 });
    },
  };
}

export const isCarried = (): boolean => process.env.COILYARD_TEST_CARRIER === 'frames';

/** The method whose caller is asked for a token: of carried calls it is the stream's. */
export const askedForToken = (path: string): string => (isCarried() ? CallsService.carry.path : path);

type Method<Request, Response> = (
  request: Request,
  metadata: Metadata,
  options: Partial<CallOptions>,
  callback: (error: ServiceError | null, response: Response) => void,
) => ClientUnaryCall;

export interface AskOptions {
  readonly headers?: Readonly<Record<string, string>>;
  readonly timeoutMs?: number;
}

/** Calls a unary method of a generated client; rejects with the grpc-js error. */
export function ask<Request, Response>(
  method: Method<Request, Response>,
  request: Request,
  { headers = {}, timeoutMs }: AskOptions = {},
): Promise<Response> {
  const metadata = new Metadata();
  for (const [name, value] of Object.entries(headers)) metadata.set(name, value);
  return new Promise((resolve, reject) => {
    method(
      request,
      metadata,
      timeoutMs === undefined ? {} : { deadline: systemClock.nowMs() + timeoutMs },
      (error, response) => {
        if (error === null) resolve(response);
        else reject(error);
      },
    );
  });
}

export interface Refusal {
  /** The number of the gRPC status. */
  readonly grpc: number;
  /** From the trailer; `undefined` when it has no typed detail. */
  readonly error: CoilyardError | undefined;
}

export function refusalOf(error: unknown): Refusal {
  if (!(error instanceof Error && 'code' in error && 'metadata' in error && error.metadata instanceof Metadata))
    throw error;
  const [details] = error.metadata.get(STATUS_DETAILS_KEY);
  return { grpc: Number(error.code), error: Buffer.isBuffer(details) ? decodeStatus(details) : undefined };
}

/** What a call was refused with; throws when it was not. */
export async function refusal(call: Promise<unknown>): Promise<Refusal> {
  try {
    await call;
  } catch (error) {
    return refusalOf(error);
  }
  throw new Error('the call was not refused');
}

/** Reads one message after the other, and at last why the stream ended. */
export function reader<Message>(stream: ClientReadableStream<Message>): {
  next(): Promise<Message>;
  ended: Promise<Refusal | 'ok'>;
} {
  const messages: Message[] = [];
  const waiting: ((message: Message) => void)[] = [];
  stream.on('data', (message: Message) => {
    const wake = waiting.shift();
    if (wake === undefined) messages.push(message);
    else wake(message);
  });
  const ended = new Promise<Refusal | 'ok'>((resolve) => {
    stream.on('error', (error: Error) => resolve(refusalOf(error)));
    stream.on('end', () => resolve('ok'));
  });
  return {
    next: () => {
      const [message] = messages.splice(0, 1);
      if (message !== undefined) return Promise.resolve(message);
      return new Promise((resolve) => {
        waiting.push(resolve);
      });
    },
    ended,
  };
}

export const value = (content: unknown): Value => encodeValue(content);
export const values = (content: Readonly<Record<string, unknown>>): Map<string, Value> =>
  encodeValues(Object.entries(content));

export const noSource = { requestId: '', source: '', metadata: new Map<string, Value>() };
