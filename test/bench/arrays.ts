/**
 * A numpy array of 100 MB as the argument of a Python tool and as its result, against a copy of as many bytes over a
 * plain local socket to and from a Python process, in turns. Run with `npm run bench -- arrays`.
 */

import { once } from 'node:events';
import { startRuntime } from '../../src/runtime.js';
import { bytesOf, Tensor } from '../../src/variables/tensor.js';
import { PYTHON_TOOLS, startBareSocket } from '../support/bare-peer.js';

const BYTES = 100_000_000;
const FLOATS = BYTES / 8;
const ROUNDS = 7;

type Copy = () => Promise<unknown>;

interface Took {
  readonly ms: number;
  /** Processor time of this process, its helper threads included. */
  readonly cpuMs: number;
}

async function timed(copy: Copy): Promise<Took> {
  globalThis.gc?.();
  const before = process.cpuUsage();
  const startedAtMs = performance.now();
  await copy();
  const ms = performance.now() - startedAtMs;
  const { user, system } = process.cpuUsage(before);
  return { ms, cpuMs: (user + system) / 1000 };
}

function checkGiven(value: unknown): void {
  if (!(value instanceof Tensor)) throw new TypeError('the result is not an array');
  // Looked at where it lies: its `data` would be another copy.
  const { buffer, byteOffset } = bytesOf(value);
  const floats = new Float64Array(buffer, byteOffset, value.size);
  if (floats.length !== FLOATS || floats[1] !== 1 || floats.at(-1) !== FLOATS - 1)
    throw new TypeError('the result is not the array that was given');
}

const bare = await startBareSocket();
const runtime = await startRuntime({
  python: { pools: { default: { size: 1, imports: ['bench_tools'], paths: [PYTHON_TOOLS] } } },
});
await runtime.python.start();
const array = new Tensor(
  'float64',
  [FLOATS],
  Float64Array.from({ length: FLOATS }, (_, n) => n),
);
const bytes = array.toBytes();

const header = Buffer.alloc(8);
header.writeBigUInt64LE(BigInt(BYTES));
const copies = {
  'to Python': {
    bare: async () => {
      bare.write(header);
      bare.write(bytes);
      await once(bare, 'data');
    },
    ours: () => runtime.python.call('take', { array }),
  },
  'from Python': {
    bare: () =>
      new Promise<Buffer>((resolve) => {
        // What arrives is put where it belongs: one copy, as any reader has to make.
        const whole = Buffer.allocUnsafeSlow(BYTES);
        let at = 0;
        const take = (bytes: Buffer): void => {
          at += bytes.copy(whole, at);
          if (at < BYTES) return;
          bare.off('data', take);
          resolve(whole);
        };
        bare.on('data', take);
        bare.write('?');
      }),
    ours: async () => checkGiven(await runtime.python.call('give', { size: FLOATS })),
  },
} as const satisfies Record<string, Record<'bare' | 'ours', Copy>>;

const took = new Map<Copy, Took[]>();
for (let round = 0; round <= ROUNDS; round += 1)
  for (const kind of ['bare', 'ours'] as const)
    for (const { [kind]: copy } of Object.values(copies)) {
      const found = await timed(copy);
      // The first round warms up.
      if (round > 0) took.set(copy, [...(took.get(copy) ?? []), found]);
    }

/** The best round: what else the machine does can only make a round worse. */
const best = (copy: Copy): Took =>
  (took.get(copy) ?? []).reduce((least, next) => (next.ms < least.ms ? next : least), {
    ms: Number.POSITIVE_INFINITY,
    cpuMs: Number.NaN,
  });
const rate = ({ ms }: Took): string => `${(BYTES / 1000 / ms).toFixed(0)} MB/s`;
for (const [direction, { bare: baseline, ours }] of Object.entries(copies)) {
  const [plain, found] = [best(baseline), best(ours)];
  console.log(
    `${direction}, ${BYTES / 1e6} MB: bare socket ${plain.ms.toFixed(0)} ms (${rate(plain)}), call ${found.ms.toFixed(0)} ms (${rate(found)}), ` +
      `${(plain.ms / found.ms).toFixed(3)} of the bare socket's rate; Node was busy for ${found.cpuMs.toFixed(0)} ms of it`,
  );
}
bare.destroy();
await runtime.stop();
