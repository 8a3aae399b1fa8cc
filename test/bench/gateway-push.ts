/**
 * How long a write takes to be in another process's Python cache, against a bare grpc-js stream that pushes as many bytes to
 * a Python client: once written in the process of the sessions, and once by another Python client, whose baseline sends
 * a bare frame that the server passes on. Ours and the bare ones take turns, write by write. Clocks are the machine's
 * monotonic one, which all processes share. Run with `npm run bench -- gateway-push`.
 */

import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { Server, ServerCredentials, type ServerDuplexStream } from '@grpc/grpc-js';
import { startGateway } from '../../src/gateway/server.js';
import { systemClock } from '../../src/kernel/clock.js';
import type { Session } from '../../src/sessions/session.js';
import { hostSessions } from '../support/session-host.js';
import { SESSION, same, VARIABLE } from './servers.js';

const WRITES = 3000;
/** Until V8 has compiled the whole path: it does so in the background, on the core that the reader needs. */
const WARM_UP = 5000;
const PAUSE_MS = 1;
/** About what a message of one update has. */
const PUSHED_BYTES = 130;
/** The most that a write may take, as a multiple of a bare push. */
const MOST = 1.5;
const PATH = '/bare.Push/Join';

type Stream = ServerDuplexStream<Buffer, Buffer>;

/** A stream for each client that says `reader`; what a client that says `writer` sends is passed on to them. */
async function serveBare(): Promise<{ readonly port: number; readonly readers: readonly Stream[] }> {
  const readers: Stream[] = [];
  const join_ = {
    path: PATH,
    requestStream: true,
    responseStream: true,
    requestSerialize: same,
    requestDeserialize: same,
    responseSerialize: same,
    responseDeserialize: same,
  };
  const server = new Server({ 'grpc.enable_channelz': 0 });
  server.addService(
    { join: join_ },
    {
      join: (stream: Stream) => {
        stream.on('error', () => {});
        stream.once('data', (word: Buffer) => {
          if (word.toString() === 'reader') readers.push(stream);
          else stream.on('data', (bytes: Buffer) => readers.map((reader) => reader.write(bytes)));
        });
      },
    },
  );
  const port = await new Promise<number>((resolve, reject) => {
    server.bindAsync('127.0.0.1:0', ServerCredentials.createInsecure(), (error, bound) =>
      error === null ? resolve(bound) : reject(error),
    );
  });
  return { port, readers };
}

/** A Python process that answers line by line. */
class Peer {
  readonly #child: ChildProcess;
  readonly #lines: AsyncIterator<string>;

  constructor(role: 'reader' | 'writer', addresses: readonly string[]) {
    const program = join(process.cwd(), 'test', 'support', 'python', 'bench_push.py');
    const python = process.env.COILYARD_PYTHON ?? join(process.cwd(), '.venv', 'bin', 'python');
    this.#child = spawn(python, [program, role, ...addresses, SESSION, VARIABLE, PATH], {
      stdio: ['pipe', 'pipe', 'inherit'],
    });
    if (this.#child.stdout === null) throw new TypeError('a peer without a voice');
    this.#lines = createInterface(this.#child.stdout)[Symbol.asyncIterator]();
  }

  async line(): Promise<string> {
    const { value, done } = await this.#lines.next();
    if (done === true) throw new Error('a Python peer ended');
    return value;
  }

  tell(word: string): void {
    this.#child.stdin?.write(`${word}\n`);
  }

  async close(): Promise<void> {
    const ended = once(this.#child, 'exit');
    this.#child.kill();
    await ended;
  }
}

/** Microseconds from each writing to its arrival. */
interface Took {
  readonly bare: number[];
  readonly ours: number[];
}

const nowNs = (): bigint => process.hrtime.bigint();

async function fromHere(session: Session, readers: readonly Stream[], reader: Peer): Promise<Took> {
  const took: Took = { bare: [], ours: [] };
  const bytes = Buffer.alloc(PUSHED_BYTES);
  for (let n = 0; n < WARM_UP + WRITES; n += 1) {
    await pause();
    const pushedNs = nowNs();
    for (const stream of readers) stream.write(bytes);
    const bare = BigInt(await reader.line()) - pushedNs;
    await pause();
    const writtenNs = nowNs();
    await session.set(VARIABLE, n + 1);
    const ours = BigInt(await reader.line()) - writtenNs;
    if (n < WARM_UP) continue;
    took.bare.push(Number(bare) / 1000);
    took.ours.push(Number(ours) / 1000);
  }
  return took;
}

async function fromAnotherPython(writer: Peer, reader: Peer): Promise<Took> {
  const took: Took = { bare: [], ours: [] };
  for (let n = 0; n < WARM_UP + WRITES; n += 1) {
    for (const kind of ['bare', 'ours'] as const) {
      await pause();
      writer.tell(kind);
      const [written, arrived] = await Promise.all([writer.line(), reader.line()]);
      if (n >= WARM_UP) took[kind].push(Number(BigInt(arrived) - BigInt(written)) / 1000);
    }
  }
  return took;
}

const pause = (): Promise<void> => new Promise((resolve) => setTimeout(resolve, PAUSE_MS));

const percentile = (of: readonly number[], share: number): number =>
  [...of].sort((a, b) => a - b)[Math.floor(of.length * share)] ?? Number.NaN;

function tell(what: string, baseline: string, { bare, ours }: Took): void {
  for (const [name, share] of [
    ['p50', 0.5],
    ['p99', 0.99],
  ] as const) {
    const [of, least] = [percentile(ours, share), percentile(bare, share)];
    console.log(
      `${what}, ${name}: ${of.toFixed(0)} us, ${(of / least).toFixed(2)} of ${baseline} (${least.toFixed(0)} us; at most: ${MOST})`,
    );
  }
}

const { sessions, telemetry } = hostSessions({ clock: systemClock });
const session = await sessions.start({ id: SESSION });
await session.register(VARIABLE, 'float', 0);
const workers = { accept: () => ({ receive: () => {}, closed: () => {} }) };
const gateway = await startGateway({ sessions, workers, telemetry, clock: systemClock });
const bare = await serveBare();
const addresses = [`127.0.0.1:${bare.port}`, gateway.address];
const [reader, writer] = [new Peer('reader', addresses), new Peer('writer', addresses)];
for (const peer of [reader, writer]) if ((await peer.line()) !== 'ready') throw new Error('a Python peer is not ready');
tell('a write here, in a Python cache there', 'a bare push', await fromHere(session, bare.readers, reader));
tell(
  'a write of one Python, in the cache of another',
  'a bare frame passed on',
  await fromAnotherPython(writer, reader),
);
await Promise.all([reader.close(), writer.close()]);
process.exit();
