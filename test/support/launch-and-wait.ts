/** Run as a child of a test: launches one worker cold, says its process id, and then does nothing until it is killed. */

import { systemClock } from '../../src/kernel/clock.js';
import { incarnation, workerId } from '../../src/kernel/ids.js';
import { coldSpawn } from '../../src/workers/launchers/cold-spawn.js';

const [python = 'python3', script = ''] = process.argv.slice(2);
const launched = await coldSpawn({ clock: systemClock }).launch({
  workerId: workerId('w-0'),
  incarnation: incarnation(1),
  token: 'token',
  gateway: '127.0.0.1:1',
  python,
  imports: [],
  paths: [],
  env: { FAKE: script },
  concurrency: 1,
  heartbeatIntervalMs: 1_000,
  onLine: (line) => console.log(line),
});
console.log(`pid ${launched.pid}`);
await launched.exited;
