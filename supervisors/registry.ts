/** Names for processes: one owner per key, or many (S86 to S88). Reads and writes take effect at once, without a mailbox. */

import { checkFunction, checkObject, reading } from '../src/kernel/arguments.js';
import { type Clock, systemClock } from '../src/kernel/clock.js';
import { CoilyardError, describeValue, invalidArgument } from '../src/kernel/errors.js';
import { checkExitReason, type ExitReason, exitReason } from '../src/kernel/exit-reason.js';
import { isolate } from '../src/kernel/isolate.js';
import type { NameRegistry, Process, ProcessName } from '../src/kernel/process.js';
import { isProcess, ProcessCore } from '../src/kernel/process-core.js';
import { timeoutIn } from './call-timeout.js';
import { endsAs } from './ends-as.js';
import { deadProcess, refused } from './refusals.js';
import type { CallOptions } from './server-types.js';

export interface RegistryEntry<Value = unknown> {
  readonly process: Process;
  readonly value: Value | undefined;
}

/** What a listener of a registry hears, off the caller's path. */
export type RegistryEvent<Key = unknown, Value = unknown> =
  | { readonly type: 'register'; readonly key: Key; readonly process: Process; readonly value: Value | undefined }
  | { readonly type: 'unregister'; readonly key: Key; readonly process: Process };

export interface RegistryOptions<Key = unknown, Value = unknown> {
  /** `unique`: one living owner per key; `duplicate`: any number of entries, also several of one process. */
  readonly keys: 'unique' | 'duplicate';
  readonly listeners?: readonly ((event: RegistryEvent<Key, Value>) => unknown)[];
  readonly parent?: Process;
  readonly name?: ProcessName;
  readonly clock?: Clock;
}

/**
 * A registry is linked to every process that has a key in it: when the registry crashes, they end too, so that nobody lives
 * on under a name that is lost. Keys compare as `Map` keys do.
 */
export interface Registry<Key = unknown, Value = unknown> extends Process, NameRegistry {
  /** @throws `already_registered` with the living owner (unique keys only); `noproc` when the process or registry is dead. */
  register(key: Key, process: Process, value?: Value): void;
  /** Removes what this process has under the key; does nothing to the entries of others. */
  unregister(key: Key, process: Process): void;
  /** Replaces the value of this process's entry. @returns whether it had one. */
  updateValue(key: Key, process: Process, change: (value: Value | undefined) => Value): boolean;
  /** The living owner. Of several (duplicate keys) the one that registered first. */
  whereis(key: Key): Process | undefined;
  /** The entries of living processes, in order of registration. */
  lookup(key: Key): RegistryEntry<Value>[];
  /** Calls `send` once with the entries of the key, on the caller's stack; not at all when there are none. */
  dispatch(key: Key, send: (entries: RegistryEntry<Value>[]) => void): void;
  /** The keys of a process. */
  keys(process: Process): Key[];
  /** All entries. Those of a process that has just died may still be counted. */
  count(): number;
  stop(reason?: ExitReason, options?: CallOptions): Promise<void>;
}

/** @throws `invalid_keys`. */
export function startRegistry<Key = unknown, Value = unknown>(
  options: RegistryOptions<Key, Value>,
): Promise<Registry<Key, Value>>;
export async function startRegistry(options: RegistryOptions): Promise<Registry> {
  const registry = reading('options', () => new RegistryProcess(checked(options)));
  await registry.start();
  return registry;
}

function checked(options: RegistryOptions): RegistryOptions {
  checkObject('options', options);
  const { keys, listeners = [] } = options;
  if (keys !== 'unique' && keys !== 'duplicate')
    throw new CoilyardError('invalid_argument', `keys: expected unique or duplicate, got ${describeValue(keys)}`, {
      details: { reason: 'invalid_keys', field: 'keys', value: keys },
    });
  if (!Array.isArray(listeners)) throw invalidArgument('listeners', 'a list of functions', listeners);
  for (const [index, listener] of listeners.entries()) checkFunction(`listeners[${index}]`, listener);
  return options;
}

interface Entry extends RegistryEntry {
  readonly key: unknown;
  readonly process: Process;
  value: unknown;
}

const soon = Promise.resolve();

class RegistryProcess extends ProcessCore implements Registry {
  readonly #unique: boolean;
  readonly #listeners: NonNullable<RegistryOptions['listeners']>;
  readonly #clock: Clock;
  readonly #byKey = new Map<unknown, Set<Entry>>();
  readonly #byProcess = new Map<Process, Set<Entry>>();
  #count = 0;

  constructor({ keys, listeners = [], clock = systemClock, ...options }: RegistryOptions) {
    super({ ...options, trapExit: true });
    this.#unique = keys === 'unique';
    this.#listeners = listeners;
    this.#clock = clock;
  }

  start(): Promise<unknown> {
    return this.begin(() => {});
  }

  register(key: unknown, process: Process, value?: unknown): void {
    if (!isProcess(process)) throw invalidArgument('process', 'a process', process);
    if (!this.alive) throw deadProcess(this);
    if (!process.alive) throw deadProcess(process);
    const owner = this.#unique ? this.whereis(key) : undefined;
    if (owner !== undefined)
      throw refused('already_registered', `${describeValue(key)} is registered by ${owner.id}`, {
        key,
        process: owner,
      });
    const entry: Entry = { key, process, value };
    const mine = this.#byProcess.get(process);
    if (mine === undefined) {
      this.link(process);
      this.#byProcess.set(process, new Set([entry]));
    } else mine.add(entry);
    const others = this.#byKey.get(key);
    if (others === undefined) this.#byKey.set(key, new Set([entry]));
    else others.add(entry);
    this.#count += 1;
    this.#tell({ type: 'register', key, process, value });
  }

  unregister(key: unknown, process: Process): void {
    for (const entry of this.#byKey.get(key) ?? []) if (entry.process === process) this.#remove(entry);
  }

  updateValue(key: unknown, process: Process, change: (value: unknown) => unknown): boolean {
    checkFunction('change', change);
    for (const entry of this.#byKey.get(key) ?? []) {
      if (entry.process !== process) continue;
      entry.value = change(entry.value);
      return true;
    }
    return false;
  }

  whereis(key: unknown): Process | undefined {
    for (const { process } of this.#byKey.get(key) ?? []) if (process.alive) return process;
    return undefined;
  }

  lookup(key: unknown): RegistryEntry[] {
    const entries: RegistryEntry[] = [];
    for (const { process, value } of this.#byKey.get(key) ?? []) if (process.alive) entries.push({ process, value });
    return entries;
  }

  dispatch(key: unknown, send: (entries: RegistryEntry[]) => void): void {
    checkFunction('send', send);
    const entries = this.lookup(key);
    if (entries.length > 0) send(entries);
  }

  keys(process: Process): unknown[] {
    return [...(this.#byProcess.get(process) ?? [])].map(({ key }) => key);
  }

  count(): number {
    return this.#count;
  }

  async stop(reason: ExitReason = exitReason.normal, options: CallOptions = {}): Promise<void> {
    checkExitReason(reason);
    const timeoutMs = timeoutIn(options, 'timeoutMs', Infinity);
    if (!this.alive) throw deadProcess(this);
    this.post(() => this.end(reason));
    await endsAs(this, reason, timeoutMs, this.#clock);
  }

  /** A process with keys has ended. Whoever took one of its keys meanwhile keeps it. */
  protected override onExit(from: Process | undefined): void {
    if (from === undefined) return;
    for (const entry of this.#byProcess.get(from) ?? []) this.#remove(entry);
  }

  protected override onDeath(): void {
    this.#byKey.clear();
    this.#byProcess.clear();
    this.#count = 0;
  }

  #remove(entry: Entry): void {
    const { key, process } = entry;
    const others = this.#byKey.get(key);
    if (others?.delete(entry) === true && others.size === 0) this.#byKey.delete(key);
    const mine = this.#byProcess.get(process);
    if (mine?.delete(entry) === true && mine.size === 0) {
      this.#byProcess.delete(process);
      this.unlink(process);
    }
    this.#count -= 1;
    this.#tell({ type: 'unregister', key, process });
  }

  #tell(event: RegistryEvent): void {
    for (const listener of this.#listeners)
      soon.then(() =>
        isolate(
          () => listener(event),
          () => `a listener of registry ${this.id}`,
        ),
      );
  }
}
