#!/usr/bin/env node
/** `coilyard`: the command line. Data on stdout, talk on stderr; exit 0 done, 1 failed, 2 called wrongly. */

import { readFile } from 'node:fs/promises';
import { findPackageRoot } from '../workers/interpreter.js';
import { doctor } from './doctor.js';
import { start } from './start.js';

const usage = `usage: coilyard start [--host 127.0.0.1] [--port 0] [--config FILE]
       coilyard doctor [--json] [--host 127.0.0.1] [--port 0] [--config FILE]

  start   runs a runtime with its gateway until SIGTERM or SIGINT
  doctor  looks whether everything is there that a runtime needs, and says what mends it; takes --json too

  --help, --version`;

const [command, ...rest] = process.argv.slice(2);
const isHelp = rest.some((argument) => argument === '--help' || argument === '-h');

switch (isHelp ? 'help' : command) {
  case 'start':
    // At once: a process that ends by itself gives up its handlers of signals some time before it is gone, and one more of the
    // signal that has ended it would kill it then, whatever the exit code was to be.
    process.exit(await start(rest));
    break;
  case 'doctor':
    process.exitCode = await doctor(rest);
    break;
  case '--version':
    console.log(JSON.parse(await readFile(`${findPackageRoot()}/package.json`, 'utf8')).version);
    break;
  case '--help':
  case '-h':
  case 'help':
    console.log(usage);
    break;
  default:
    console.error(command === undefined ? usage : `coilyard: there is no command ${command}\n\n${usage}`);
    process.exitCode = 2;
}
