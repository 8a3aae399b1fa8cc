/** How this machine's workers attach: over a local socket where that can be had, else through the gateway as all others. */

import type { Clock, Random } from '../kernel/clock.js';
import { CoilyardError, toCoilyardError } from '../kernel/errors.js';
import { IGNORE, type Ignore, type Process } from '../kernel/process.js';
import { spawn } from '../kernel/spawn.js';
import type { AttachRegistry } from '../workers/attach-registry.js';
import { hasLocalSockets } from '../workers/local-address.js';
import { LocalDoor } from '../workers/local-door.js';

/** `auto`: over a local socket unless that cannot be had here. */
export type CarrierChoice = 'auto' | 'local' | 'grpc';

export interface LocalCarrierOptions {
  readonly choice: CarrierChoice;
  readonly registry: AttachRegistry;
  readonly clock: Clock;
  readonly random: Random;
  /** Hears why workers attach through the gateway although they need not have to. */
  readonly onUnavailable: (error: CoilyardError) => void;
}

export class LocalCarrier {
  readonly #options: LocalCarrierOptions;
  #state: 'closed' | 'unavailable' | LocalDoor = 'closed';

  constructor(options: LocalCarrierOptions) {
    this.#options = options;
  }

  /** Whether there is a socket to be supervised at all. */
  get isWanted(): boolean {
    const { choice } = this.#options;
    return choice === 'local' || (choice === 'auto' && hasLocalSockets);
  }

  /**
   * What workers of this machine dial; undefined: the gateway.
   *
   * @throws CoilyardError `pool_unavailable` while the socket is being opened again.
   */
  get address(): string | undefined {
    if (!this.isWanted || this.#state === 'unavailable') return undefined;
    if (this.#state === 'closed')
      throw new CoilyardError('pool_unavailable', 'the socket of the local workers is being opened again', {
        details: { reason: 'restarting' },
      });
    return this.#state.name;
  }

  /** One life of the socket, as a process of the tree. */
  start(parent: Process): Promise<Process | Ignore> {
    let door: LocalDoor | undefined;
    const close = async (): Promise<void> => {
      if (door === undefined) return;
      if (this.#state === door) this.#state = 'closed';
      await door.close();
    };
    return spawn({
      parent,
      trapExit: true,
      init: async ({ process }) => {
        // However this life ends, an untrappable kill included, this runs.
        process.monitor(() => void close());
        door = await this.#open();
        if (!process.alive) await close();
        return door === undefined ? IGNORE : undefined;
      },
      terminate: close,
    });
  }

  async #open(): Promise<LocalDoor | undefined> {
    const { registry, clock, random, choice, onUnavailable } = this.#options;
    try {
      const door = await LocalDoor.open({ registry, clock, random });
      this.#state = door;
      return door;
    } catch (error) {
      const unavailable = toCoilyardError(error, 'pool_unavailable');
      if (choice === 'local') throw unavailable;
      this.#state = 'unavailable';
      onUnavailable(unavailable);
      return undefined;
    }
  }
}
