/** Run as a child of a test: workers of one way to start them, each with children of its own, until somebody kills it. */

import { join } from 'node:path';
import { startRuntime } from '../../src/runtime.js';
import { eventually } from './processes.js';

const [mode = '', mark = ''] = process.argv.slice(2);
const start = mode === 'zygote' ? 'zygote' : 'spawn';
const runtime = await startRuntime({
  python: {
    pools: {
      default: {
        size: 2,
        start,
        imports: ['worker_tools', 'zygote_tools'],
        paths: [join(process.cwd(), 'test', 'support', 'python')],
        env: { COILYARD_TEST_MARK: mark },
      },
    },
  },
});
await runtime.python.start();
await Promise.all([
  runtime.python.call('renegade'),
  runtime.python.call('relative'),
  runtime.python.call('renegade'),
  runtime.python.call('relative'),
]);
await eventually(() => runtime.python.workers().every(({ load }) => load === 0), 'nothing is in hand');
runtime.python.call('block', { seconds: 600 }).catch(() => {});
const pids = runtime.python.workers().flatMap(({ pid }) => pid ?? []);
console.log(`pids ${pids.join(' ')}`);
