/**
 * What benchmarks of workers compare with: a stream of grpc-js or a plain socket, and a Python process that dials in,
 * with nothing of ours between.
 */

import { type ChildProcess, spawn } from 'node:child_process';
import { createServer, type Socket } from 'node:net';
import { join } from 'node:path';
import { Server, ServerCredentials, type ServerDuplexStream } from '@grpc/grpc-js';

export const PYTHON_TOOLS = join(process.cwd(), 'test', 'support', 'python');

const same = (bytes: Buffer): Buffer => bytes;
const attach = {
  path: '/bare.Peer/Attach',
  requestStream: true,
  responseStream: true,
  requestSerialize: same,
  requestDeserialize: same,
  responseSerialize: same,
  responseDeserialize: same,
};

export interface BareStream {
  readonly stream: ServerDuplexStream<Buffer, Buffer>;
  readonly pid: number;
}

/** Resolves once the peer has said its first word. The peer ends with this process. */
export function startBareStream(mode: 'echo' | 'push'): Promise<BareStream> {
  const server = new Server({
    'grpc.enable_channelz': 0,
    'grpc.max_receive_message_length': -1,
    'grpc.max_send_message_length': -1,
  });
  return new Promise((resolve, reject) => {
    let pid = 0;
    const take = (stream: ServerDuplexStream<Buffer, Buffer>): void => {
      stream.once('data', () => resolve({ stream, pid }));
    };
    server.addService({ attach }, { attach: take });
    server.bindAsync('127.0.0.1:0', ServerCredentials.createInsecure(), (error, port) => {
      if (error !== null) reject(error);
      else pid = startPeer(port, mode).once('error', reject).pid ?? 0;
    });
  });
}

/** A peer that takes bytes from a socket and sends them back; it ends with the socket. */
export function startBareSocket(): Promise<Socket> {
  return new Promise((resolve, reject) => {
    const server = createServer((socket) => {
      server.close();
      resolve(socket);
    });
    server.listen(0, '127.0.0.1', () => {
      const address = server.address();
      if (typeof address === 'object' && address !== null) startPeer(address.port, 'socket').once('error', reject);
    });
  });
}

function startPeer(port: number, mode: 'echo' | 'push' | 'socket'): ChildProcess {
  const python = process.env.COILYARD_PYTHON ?? join(process.cwd(), '.venv', 'bin', 'python');
  const peer = join(PYTHON_TOOLS, 'bare_peer.py');
  return spawn(python, [peer, `127.0.0.1:${port}`, mode], { stdio: ['ignore', 'ignore', 'inherit'] });
}
