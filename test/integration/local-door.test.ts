import { once } from 'node:events';
import { mkdir, mkdtemp, readdir, rm, stat, utimes, writeFile } from 'node:fs/promises';
import { connect, type Socket } from 'node:net';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { readdirSync, readFileSync, readlinkSync } from 'node:fs';
import { spawn as spawnProcess } from 'node:child_process';
import fc from 'fast-check';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { type Random, systemClock, systemRandom } from '../../src/kernel/clock.js';
import { exitReason } from '../../src/kernel/exit-reason.js';
import { spawn } from '../../src/kernel/spawn.js';
import { TelemetryBus } from '../../src/kernel/telemetry.js';
import { startRuntime } from '../../src/runtime.js';
import { type CarrierChoice, LocalCarrier } from '../../src/runtime/local-carrier.js';
import { ManualClock } from '../../src/testing/manual-clock.js';
import { AttachRegistry } from '../../src/workers/attach-registry.js';
import { LocalDoor, type LocalDoorOptions } from '../../src/workers/local-door.js';
import { eventually } from '../support/processes.js';
import { aPythonRuntime } from '../support/python-runtime.js';
import { socketPath } from '../support/worker-carriers.js';

const kinds = process.platform === 'linux' ? (['abstract', 'file'] as const) : (['file'] as const);

let directory: string;
const opened: LocalDoor[] = [];

beforeEach(async () => {
  directory = await mkdtemp(join(tmpdir(), 'coilyard-test-'));
});

afterEach(async () => {
  for (const door of opened.splice(0)) await door.close();
  await rm(directory, { recursive: true });
});

async function open(options: Partial<LocalDoorOptions> = {}): Promise<LocalDoor> {
  const registry = new AttachRegistry({ clock: systemClock, random: systemRandom, telemetry: new TelemetryBus() });
  const door = await LocalDoor.open({ registry, clock: systemClock, random: systemRandom, directory, ...options });
  opened.push(door);
  return door;
}

async function dial(name: string): Promise<Socket> {
  const socket = connect({ path: socketPath(name), allowHalfOpen: true });
  socket.on('error', () => {});
  await once(socket, 'connect');
  return socket;
}

/** The names that this process listens at, one for each socket that it has. */
function listening(): string[] {
  const own = new Set(readdirSync('/proc/self/fd').map(linkOf));
  return readFileSync('/proc/net/unix', 'latin1')
    .split('\n')
    .flatMap((line) => {
      const [, , , , , , inode, name = ''] = line.trim().split(/\s+/);
      const [found] = /coilyard-workers-[\w-]+?(?=-+$|$|\/)/.exec(name) ?? [];
      return found !== undefined && own.has(`socket:[${inode}]`) ? [found] : [];
    });
}

function linkOf(fd: string): string {
  try {
    return readlinkSync(`/proc/self/fd/${fd}`);
  } catch {
    return ''; // that of the listing itself
  }
}

test.each(kinds)('two doors of the kind %s do not meet, and nothing is left of one that was closed', async (kind) => {
  const [one, other] = [await open({ kind }), await open({ kind })];
  expect(one.name).not.toBe(other.name);
  const guest = await dial(one.name);
  const closed = once(guest, 'close');
  guest.on('end', () => guest.end()).resume();
  await one.close();
  await closed;
  await expect(dial(one.name)).rejects.toThrow();
  const still = await dial(other.name);
  still.destroy();
  await other.close();
  expect(await readdir(directory)).toEqual([]);
});

test('a socket that is a file lies where nobody else may enter', async () => {
  const door = await open({ kind: 'file' });
  const { mode } = await stat(dirname(door.name));
  expect(mode & 0o777).toBe(0o700);
});

test('what a runtime that was killed has left is removed by the next one, and nothing that is in use', async () => {
  const living = await open({ kind: 'file' });
  // A socket file outlives the process that has bound it only when that is killed.
  const dead = join(directory, 'coilyard-workers-dead');
  await mkdir(dead);
  const script = `require('net').createServer().listen(${JSON.stringify(join(dead, 'socket'))}, () => process.kill(process.pid, 'SIGKILL'))`;
  await once(spawnProcess(process.execPath, ['-e', script]), 'exit');
  const foreign = join(directory, 'coilyard-workers-foreign');
  await mkdir(foreign);
  await writeFile(join(foreign, 'socket'), 'a file of somebody');
  const young = await open({ kind: 'file' });
  expect(await readdir(directory)).toContain('coilyard-workers-dead');
  const longAgo = new Date(systemClock.nowMs() - 120_000);
  for (const old of [dead, foreign, dirname(living.name)]) await utimes(old, longAgo, longAgo);
  const next = await open({ kind: 'file' });
  expect((await readdir(directory)).sort()).toEqual(
    [foreign, dirname(living.name), dirname(young.name), dirname(next.name)]
      .map((path) => path.slice(directory.length + 1))
      .sort(),
  );
  (await dial(living.name)).destroy();
});

test('a path that the system would cut off is refused with what to do', async () => {
  const deep = join(directory, 'x'.repeat(100));
  await mkdir(deep);
  await expect(open({ kind: 'file', directory: deep })).rejects.toMatchObject({
    code: 'pool_unavailable',
    message: expect.stringContaining('TMPDIR'),
  });
  expect(await readdir(deep)).toEqual([]);
});

test('a directory that cannot be written is a pool_unavailable', async () => {
  await expect(open({ kind: 'file', directory: join(directory, 'nowhere') })).rejects.toMatchObject({
    code: 'pool_unavailable',
  });
});

test('who says no hello in time is sent away, and who is one too many is not let in', async () => {
  const clock = new ManualClock();
  const registry = new AttachRegistry({ clock, random: systemRandom, telemetry: new TelemetryBus() });
  const door = await open({ registry, maxConnections: 2 });
  const strangers = [await dial(door.name), await dial(door.name)];
  const third = connect({ path: socketPath(door.name) }).on('error', () => {});
  await once(third, 'close');
  // Both were accepted: the third came after them.
  const ended = strangers.map((stranger) => {
    stranger.on('end', () => stranger.end());
    return once(stranger, 'data');
  });
  await clock.advance(10_000);
  for (const [said] of await Promise.all(ended)) expect(String(said)).toContain('no hello within 10000 ms');
});

test('whatever bytes come, the connection ends and the door goes on', async () => {
  const door = await open({ maxMessageBytes: 10_000 });
  const hostile = fc.oneof(
    fc.uint8Array({ minLength: 1, maxLength: 200 }),
    fc.uint8Array({ maxLength: 100 }).map((content) => Uint8Array.of(0, 0, 0, content.length, ...content)),
    fc.constant(Uint8Array.of(0, 0, 0, 0)),
    fc.constant(Uint8Array.of(0xff, 0xff, 0xff, 0xff)),
    fc.constant(Uint8Array.of(0, 1, 0, 0, 7)),
  );
  await fc.assert(
    fc.asyncProperty(hostile, fc.boolean(), async (bytes, isAbrupt) => {
      const socket = await dial(door.name);
      const closed = once(socket, 'close');
      socket.on('end', () => socket.end()).resume();
      socket.write(bytes);
      if (isAbrupt) socket.destroy();
      else socket.end();
      await closed;
    }),
    { numRuns: 2_000 },
  );
  (await dial(door.name)).destroy();
});

test('a runtime takes its workers in at a socket of its own, and leaves nothing of it behind', async () => {
  expect(listening()).toEqual([]);
  const fds = (): number => readdirSync('/proc/self/fd').length;
  const openBefore = fds();
  {
    await using one = await aPythonRuntime();
    await using other = await aPythonRuntime();
    await Promise.all([one.ready(1), other.ready(1)]);
    expect(new Set(listening()).size).toBe(2);
    expect(await one.python.call('add', { a: 1, b: 2 })).toBe(3);
    expect(await other.python.call('add', { a: 3, b: 4 })).toBe(7);
    expect(one.runtime.tree().children?.flatMap(({ children }) => children?.map(({ id }) => id) ?? [])).toContain(
      'local-door',
    );
  }
  expect(listening()).toEqual([]);
  await eventually(() => fds() <= openBefore, 'every descriptor is closed');
});

test('a worker whose tools touch no session opens no connection to the gateway', async () => {
  await using house = await aPythonRuntime();
  await house.ready(1);
  await house.python.call('add', { a: 1, b: 2 });
  const { port } = await house.runtime.gateway.start();
  expect(connectionsTo(port)).toBe(0);
});

/** TCP connections of this machine that are established with a port of it. */
function connectionsTo(port: number): number {
  const wanted = `:${port.toString(16).toUpperCase().padStart(4, '0')}`;
  return ['tcp', 'tcp6']
    .flatMap((name) => readFileSync(`/proc/net/${name}`, 'latin1').split('\n'))
    .filter((line) => {
      const [, , to, state] = line.trim().split(/\s+/);
      return to?.endsWith(wanted) === true && state === '01';
    }).length;
}

test('a runtime that is told so takes its workers in at the gateway', async () => {
  const paths = [join(process.cwd(), 'test', 'support', 'python')];
  const runtime = await startRuntime({
    python: { carrier: 'grpc', pools: { default: { size: 1, imports: ['worker_tools'], paths } } },
  });
  try {
    expect(await runtime.python.call('add', { a: 1, b: 2 })).toBe(3);
    const { port } = await runtime.gateway.start();
    expect(connectionsTo(port)).toBe(1);
  } finally {
    await runtime.stop();
  }
});

test('where no socket can be had workers attach over gRPC with a warning, unless that was ruled out', async () => {
  const clock = systemClock;
  const registry = new AttachRegistry({ clock, random: systemRandom, telemetry: new TelemetryBus() });
  // Every runtime of this test would listen at the same name.
  const random: Random = { ...systemRandom, token: () => `${process.pid}-taken` };
  const warnings: string[] = [];
  const carrier = (choice: CarrierChoice): LocalCarrier =>
    new LocalCarrier({ choice, registry, clock, random, onUnavailable: ({ message }) => warnings.push(message) });
  const parent = await spawn({ trapExit: true });
  const first = carrier('auto');
  expect(() => first.address).toThrow(expect.objectContaining({ code: 'pool_unavailable' }));
  const life = await first.start(parent);
  expect(first.address).toBe(`@coilyard-workers-${process.pid}-taken`);
  const second = carrier('auto');
  expect(await second.start(parent)).toBe('ignore');
  expect(second.address).toBeUndefined();
  expect(warnings).toEqual([expect.stringContaining('EADDRINUSE')]);
  await expect(carrier('local').start(parent)).rejects.toMatchObject({
    message: expect.stringContaining('cannot listen on a local socket'),
  });
  expect(carrier('grpc').isWanted).toBe(false);
  // However a life ends, the name is free again.
  if (life !== 'ignore') life.exit(exitReason.killed);
  await eventually(() => !listening().some((name) => name.endsWith('-taken')), 'the name is free');
  expect(() => first.address).toThrow(expect.objectContaining({ code: 'pool_unavailable' }));
  parent.exit(exitReason.killed);
});
