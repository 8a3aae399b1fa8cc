/**
 * Where the workers of this machine attach: a socket that only this machine reaches. What lets a worker in is its token,
 * as at the gateway; the frames are the same, and cost a fraction.
 */

import { createServer, type Server, type Socket } from 'node:net';
import { CoilyardError, describeThrown } from '../kernel/errors.js';
import { warnOf } from '../kernel/isolate.js';
import type { AttachRegistry } from './attach-registry.js';
import { type LocalAddress, type LocalAddressOptions, newLocalAddress } from './local-address.js';
import { LocalAttachment } from './local-attachment.js';

export interface LocalDoorOptions extends LocalAddressOptions {
  readonly registry: Pick<AttachRegistry, 'accept'>;
  /** Default 16 MiB. Larger frames travel in pieces. */
  readonly maxMessageBytes?: number;
  /** Connections at the same time; one more is closed at once. Default 10,000. */
  readonly maxConnections?: number;
}

const defaults = Object.freeze({ maxMessageBytes: 16 * 1024 * 1024, maxConnections: 10_000 });

export class LocalDoor {
  readonly #address: LocalAddress;
  readonly #server: Server;
  readonly #connections = new Set<Socket>();
  #closed: Promise<void> | undefined;

  /** @throws CoilyardError `pool_unavailable` when this system does not let it listen. */
  static async open(options: LocalDoorOptions): Promise<LocalDoor> {
    let address: LocalAddress | undefined;
    try {
      address = await newLocalAddress(options);
      const door = new LocalDoor(address, options);
      await door.#listen();
      return door;
    } catch (error) {
      await address?.free();
      if (error instanceof CoilyardError) throw error;
      throw new CoilyardError('pool_unavailable', `cannot listen on a local socket: ${describeThrown(error)}`, {
        cause: error,
      });
    }
  }

  private constructor(address: LocalAddress, options: LocalDoorOptions) {
    const { registry, maxMessageBytes, maxConnections } = { ...defaults, ...options };
    this.#address = address;
    // A worker that has said its last word still hears what was on its way to it.
    this.#server = createServer({ allowHalfOpen: true }, (socket) => {
      this.#connections.add(socket);
      socket.once('close', () => this.#connections.delete(socket));
      const attachment = new LocalAttachment(socket, maxMessageBytes);
      attachment.feed(registry.accept(attachment));
    });
    this.#server.maxConnections = maxConnections;
  }

  /** What workers dial: a path, or `@` and an abstract name. */
  get name(): string {
    return this.#address.name;
  }

  /** Cuts off whoever is connected. Resolves once nothing is left of it. Idempotent. */
  close(): Promise<void> {
    this.#closed ??= new Promise<void>((resolve) => {
      this.#server.close(() => resolve());
      for (const socket of this.#connections) socket.destroy();
    }).then(() => this.#address.free());
    return this.#closed;
  }

  #listen(): Promise<void> {
    const server = this.#server;
    return new Promise((resolve, reject) => {
      server.once('error', reject);
      server.listen({ path: this.#address.path }, () => {
        server.off('error', reject);
        // One connection that could not be accepted (too many open files): the others go on.
        server.on('error', (error) => warnOf(error, 'the socket of the local workers'));
        resolve();
      });
    });
  }
}
