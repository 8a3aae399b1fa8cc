/** A gateway in a process of its own. */

import { type ChildProcess, fork } from 'node:child_process';
import { once } from 'node:events';
import { fileURLToPath } from 'node:url';
import { credentials } from '@grpc/grpc-js';
import { VariablesClient } from '../../src/gen/coilyard/v1/variables.js';

export interface Memory {
  readonly rss: number;
  /** What is left in use after a collection, buffers included. */
  readonly held: number;
  readonly openStreams: number;
}

export class GatewayProcess {
  readonly #child: ChildProcess;
  readonly port: number;
  /** Of an optimization of `ratio` that goes on. */
  readonly optimizationId: string;

  private constructor(child: ChildProcess, { port, optimizationId }: Pick<GatewayProcess, 'port' | 'optimizationId'>) {
    this.#child = child;
    this.port = port;
    this.optimizationId = optimizationId;
  }

  /** With a session `shared` that has the variables `text` and `number`, and `ratio`, which is being optimized. */
  static async start(): Promise<GatewayProcess> {
    const child = fork(fileURLToPath(new URL('./serve-gateway.ts', import.meta.url)), {
      execArgv: ['--expose-gc', '--import', new URL('./run-typescript.mjs', import.meta.url).href],
    });
    const died = once(child, 'exit').then(([code, signal]) => {
      throw new Error(`the gateway ended with ${signal ?? code} before it listened: why is on stderr`);
    });
    const [ready] = await Promise.race([once(child, 'message'), died]);
    died.catch(() => {});
    return new GatewayProcess(child, ready);
  }

  get alive(): boolean {
    return this.#child.exitCode === null && this.#child.signalCode === null;
  }

  get address(): string {
    return `127.0.0.1:${this.port}`;
  }

  /** A client with a connection of its own. */
  connect(address = this.address): VariablesClient {
    return new VariablesClient(address, credentials.createInsecure(), {
      'grpc.use_local_subchannel_pool': 1,
      'grpc.enable_channelz': 0,
    });
  }

  /** Has the variable `text` written so many times, from inside. */
  async write(count: number, bytes: number): Promise<void> {
    await this.#tell({ write: { count, bytes } });
  }

  async memory(): Promise<Memory> {
    const [memory] = await this.#tell({});
    return memory;
  }

  async stop(): Promise<void> {
    const ended = once(this.#child, 'exit');
    this.#child.kill();
    await ended;
  }

  #tell(message: object): Promise<[Memory]> {
    const answer = once(this.#child, 'message');
    this.#child.send(message);
    return answer as Promise<[Memory]>;
  }
}
