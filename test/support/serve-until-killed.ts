/** Run as a child of a test: a runtime with busy Python workers that lives until somebody kills it. */

import { aPythonRuntime } from './python-runtime.js';

const house = await aPythonRuntime({ size: 3 });
const pids = await house.ready(3);
house.python.call('block', { seconds: 600 }).catch(() => {});
house.python.call('wait', { seconds: 600 }).catch(() => {});
console.log(`pids ${pids.join(' ')}`);
