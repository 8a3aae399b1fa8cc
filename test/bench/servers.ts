/** What benchmarks of the gateway ask: a bare grpc-js server, and a gateway with one variable. Each in a process of its own. */

import { fork } from 'node:child_process';
import { once } from 'node:events';
import { fileURLToPath } from 'node:url';
import { Client, credentials, Server, ServerCredentials, type ServerDuplexStream } from '@grpc/grpc-js';
import { startGateway } from '../../src/gateway/server.js';
import { systemClock } from '../../src/kernel/clock.js';
import { hostSessions } from '../support/session-host.js';

export type ServerKind = 'bare' | 'gateway';

export const ECHO_PATH = '/bare.Echo/Echo';
export const STREAM_PATH = '/bare.Echo/Stream';
export const ECHO_BYTES = 56;
export const SESSION = 'bench';
export const VARIABLE = 'temperature';

export const same = (bytes: Buffer): Buffer => bytes;

const methodOf = (path: string, streams: boolean) => ({
  path,
  requestStream: streams,
  responseStream: streams,
  requestSerialize: same,
  requestDeserialize: same,
  responseSerialize: same,
  responseDeserialize: same,
});

async function serveBare(): Promise<number> {
  const server = new Server({ 'grpc.enable_channelz': 0 });
  server.addService(
    { echo: methodOf(ECHO_PATH, false), stream: methodOf(STREAM_PATH, true) },
    {
      echo: (call: { request: Buffer }, answer: (error: null, bytes: Buffer) => void) => answer(null, call.request),
      stream: (call: ServerDuplexStream<Buffer, Buffer>) => {
        call.on('data', (bytes) => call.write(bytes));
        call.on('end', () => call.end());
      },
    },
  );
  return new Promise((resolve, reject) => {
    server.bindAsync('127.0.0.1:0', ServerCredentials.createInsecure(), (error, port) =>
      error === null ? resolve(port) : reject(error),
    );
  });
}

async function serveGateway(): Promise<number> {
  const { sessions, telemetry } = hostSessions({ clock: systemClock });
  const session = await sessions.start({ id: SESSION });
  await session.register(VARIABLE, 'float', 0.7, { constraints: { min: 0, max: 2 } });
  const workers = { accept: () => ({ receive: () => {}, closed: () => {} }) };
  const { port } = await startGateway({ sessions, workers, telemetry, clock: systemClock });
  return port;
}

export interface ServerProcess {
  readonly address: string;
  readonly client: Client;
  /** Processor time that the server has used so far, in microseconds. */
  cpuUs(): Promise<number>;
  close(): void;
}

export async function startServer(kind: ServerKind): Promise<ServerProcess> {
  const child = fork(fileURLToPath(import.meta.url), [kind]);
  const [port] = await once(child, 'message');
  const address = `127.0.0.1:${port}`;
  const client = new Client(address, credentials.createInsecure(), { 'grpc.enable_channelz': 0 });
  return {
    address,
    client,
    async cpuUs() {
      child.send('cpu');
      const [used] = await once(child, 'message');
      return Number(used);
    },
    close() {
      client.close();
      child.kill();
    },
  };
}

const kind = process.argv[2];
if (process.argv[1] === fileURLToPath(import.meta.url) && (kind === 'bare' || kind === 'gateway')) {
  const port = kind === 'bare' ? await serveBare() : await serveGateway();
  process.send?.(port);
  process.on('message', () => {
    const { user, system } = process.cpuUsage();
    process.send?.(user + system);
  });
  process.on('disconnect', () => process.exit());
}
