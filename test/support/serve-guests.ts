/**
 * Run as a child of a test: a runtime with one worker of its own and a place for a guest. Says what lets the guest in, and
 * then what becomes of its workers, as JSON in lines.
 */

import { aPythonRuntime, lively } from './python-runtime.js';

const say = (line: object): void => console.log(JSON.stringify(line));

const house = await aPythonRuntime({ size: 1, ...lively });
house.runtime.events.on('worker.ready', ({ workerId, pid }) => say({ ready: workerId, pid }));
house.runtime.events.on('worker.exited', ({ workerId, cause }) => say({ exited: workerId, cause }));
await house.ready(1);
say({ invitation: await house.python.invite() });
