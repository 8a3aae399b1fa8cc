/**
 * The listening socket and its connections. They are ours rather than grpc-js's for two reasons: it prints the reason why
 * an address cannot be had instead of reporting it, and without channelz its `forceShutdown` cuts nothing off.
 */

import { createServer, isIPv4, type Server, type Socket } from 'node:net';
import { CoilyardError, describeThrown } from '../kernel/errors.js';
import { warnOf } from '../kernel/isolate.js';

export const addressOf = (host: string, port: number): string =>
  host.includes(':') ? `[${host}]:${port}` : `${host}:${port}`;

/** Where it listens unless it is told to do so elsewhere: only processes of this machine can reach it. */
export const DEFAULT_HOST = '127.0.0.1';

/** Whether only processes of this machine can reach it. */
export const isLoopback = (host: string): boolean =>
  host === 'localhost' || host === '::1' || (isIPv4(host) && host.startsWith('127.'));

export interface Listener {
  /** The port that was taken, also when 0 was asked for. */
  readonly port: number;
  /** Takes no more connections; those there are go on. */
  close(): void;
  /** Cuts off what is connected. */
  cutOff(): void;
}

export interface Place {
  readonly host: string;
  /** 0: any that is free. */
  readonly port: number;
  readonly maxConnections: number;
}

/** Resolves once the address is taken; throws `invalid_argument` naming it when it cannot be had. */
export function listen({ host, port, maxConnections }: Place, accept: (connection: Socket) => void): Promise<Listener> {
  const connections = new Set<Socket>();
  const server = createServer((connection) => {
    connections.add(connection);
    connection.once('close', () => connections.delete(connection));
    accept(connection);
  });
  // One more is closed at once.
  server.maxConnections = maxConnections;
  return new Promise((resolve, reject) => {
    const onFailure = (error: Error): void => reject(unavailable(host, port, error));
    server.once('error', onFailure);
    server.listen(port, host, () => {
      server.off('error', onFailure);
      // A connection that could not be accepted (too many open files): the others go on.
      server.on('error', (error) => warnOf(error, `the gateway on ${addressOf(host, port)}`));
      resolve({
        port: portOf(server),
        close: () => void server.close(),
        cutOff: () => {
          for (const connection of connections) connection.destroy();
        },
      });
    });
  });
}

function portOf(server: Server): number {
  const address = server.address();
  if (typeof address !== 'object' || address === null) throw new TypeError('a TCP server has no port');
  return address.port;
}

const explanations: ReadonlyMap<unknown, string> = new Map([
  ['EADDRINUSE', 'the port is in use'],
  ['EADDRNOTAVAIL', 'this machine has no such address'],
  ['EACCES', 'this user may not take that port'],
  ['ENOTFOUND', 'there is no host of that name'],
]);

function unavailable(host: string, port: number, error: Error): CoilyardError {
  const why = explanations.get('code' in error ? error.code : undefined) ?? describeThrown(error);
  return new CoilyardError('invalid_argument', `gateway: cannot listen on ${addressOf(host, port)}: ${why}`, {
    details: { field: 'gateway.port', host, port },
    cause: error,
  });
}
