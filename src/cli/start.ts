/** `coilyard start`: a runtime of its own process, for clients in any language. */

import { resolve } from 'node:path';
import { pathToFileURL } from 'node:url';
import { parseArgs } from 'node:util';
import { readFile } from 'node:fs/promises';
import type { RuntimeOptions } from '../config.js';
import { checkObject } from '../kernel/arguments.js';
import { deferred } from '../kernel/deferred.js';
import { describeThrown, describeValue } from '../kernel/errors.js';
import { startRuntime } from '../runtime.js';

const SIGNALS = ['SIGTERM', 'SIGINT'] as const;

/** @returns the exit code. */
export async function start(args: readonly string[]): Promise<number> {
  let options: RuntimeOptions;
  try {
    options = await optionsFrom(args);
  } catch (error) {
    console.error(`coilyard start: ${describeThrown(error)}`);
    return 2;
  }
  try {
    return await run(options);
  } catch (error) {
    console.error(`coilyard start: ${describeThrown(error)}`);
    return 1;
  }
}

async function run(options: RuntimeOptions): Promise<number> {
  const asked = untilSignal();
  const runtime = await startRuntime({ logger: stderrLogger, ...options });
  try {
    const { address } = await runtime.gateway.start();
    console.log(`coilyard: gateway listening on ${address}`);
    await Promise.race([asked, runtime.done]);
  } finally {
    const { killed } = await runtime.stop();
    for (const { path } of killed) console.error(`coilyard: ${path} did not stop in time and was killed`);
  }
  return 0;
}

/**
 * Signals after the first change nothing: a stop is bounded in time, and whoever starts this by way of npm passes on what the
 * terminal has sent to both.
 */
function untilSignal(): Promise<void> {
  const asked = deferred<void>();
  for (const signal of SIGNALS) process.on(signal, () => asked.resolve());
  return asked.promise;
}

const stderrLogger = {
  info: (message: string): void => console.error(`coilyard: ${message}`),
  warn: (message: string): void => console.error(`coilyard: ${message}`),
};

/** What a command line can say of a runtime. */
export const startFlags = {
  host: { type: 'string' },
  port: { type: 'string' },
  config: { type: 'string' },
} as const;

async function optionsFrom(args: readonly string[]): Promise<RuntimeOptions> {
  return runtimeOptionsFrom(parseArgs({ args: [...args], options: startFlags }).values);
}

/** The options of a runtime as the command line and its configuration file give them. */
export async function runtimeOptionsFrom(
  values: Readonly<Partial<Record<keyof typeof startFlags, string>>>,
): Promise<RuntimeOptions> {
  const config = values.config === undefined ? {} : await readConfig(values.config);
  checkObject('--config', config);
  if (config.gateway === false) throw new Error('--config: gateway: false leaves nothing to start');
  if (config.gateway !== undefined) checkObject('--config: gateway', config.gateway);
  const port = values.port === undefined ? undefined : portFrom(values.port);
  return {
    ...config,
    gateway: {
      ...config.gateway,
      ...(values.host === undefined ? {} : { host: values.host }),
      ...(port === undefined ? {} : { port }),
    },
  };
}

const LAST_PORT = 65_535;

function portFrom(text: string): number {
  const port = Number(text);
  if (/^\d+$/.test(text) && port <= LAST_PORT) return port;
  throw new Error(`--port: expected a number from 0 to ${LAST_PORT}, got ${describeValue(text)}`);
}

/** JSON, or a module whose default export is the options. */
async function readConfig(file: string): Promise<RuntimeOptions> {
  if (file.endsWith('.json')) return parseConfig(file, await readFile(file, 'utf8'));
  const module: { readonly default?: RuntimeOptions } = await import(pathToFileURL(resolve(file)).href);
  if (module.default === undefined) throw new Error(`${file} has no default export`);
  return module.default;
}

/** The words of the parser repeat what stands around the mistake, which may be a token. */
function parseConfig(file: string, text: string): RuntimeOptions {
  try {
    return JSON.parse(text);
  } catch (error) {
    const [position = 'somewhere'] = /at position \d+/.exec(describeThrown(error)) ?? [];
    throw new Error(`${file} is not JSON: the mistake is ${position}`);
  }
}
