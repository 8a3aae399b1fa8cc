/** How a worker is called: the command line and the environment, the same for every way to start it. */

import { delimiter } from 'node:path';
import type { LaunchOrder } from '../launcher.js';

/** What the worker's own command line says; also what a forked worker is told. */
export function workerArguments(order: LaunchOrder): string[] {
  return [
    '--gateway',
    order.gateway,
    ...(order.socket === undefined ? [] : ['--socket', order.socket]),
    '--worker-id',
    order.workerId,
    '--incarnation',
    String(order.incarnation),
    '--concurrency',
    String(order.concurrency),
    '--heartbeat-interval-ms',
    String(order.heartbeatIntervalMs),
    ...(order.nice === undefined || order.nice === 0 ? [] : ['--nice', String(order.nice)]),
    ...Object.entries(order.rlimits ?? {}).flatMap(([name, value]) => ['--rlimit', `${name}=${value}`]),
    ...importArguments(order),
    '--die-with-stdin',
  ];
}

export const importArguments = ({
  imports,
  paths,
  preload = [],
}: Pick<LaunchOrder, 'imports' | 'paths' | 'preload'>): string[] => [
  ...imports.flatMap((name) => ['--import', name]),
  ...paths.flatMap((path) => ['--path', path]),
  ...preload.flatMap((name) => ['--preload', name]),
];

/**
 * @param sdk the directory that holds the Python package; it comes first on the path, so that both sides always have the
 * same version.
 */
export function pythonEnvironment(
  inherited: NodeJS.ProcessEnv,
  own: Readonly<Record<string, string>>,
  sdk: string,
): Record<string, string | undefined> {
  const env: Record<string, string | undefined> = {
    PYTHONUNBUFFERED: '1',
    PYTHONFAULTHANDLER: '1',
    PYTHONSAFEPATH: '1',
    // LiteLLM would otherwise fetch its price list from the network when it is imported.
    LITELLM_LOCAL_MODEL_COST_MAP: 'True',
    // gRPC reads it when it is imported, and would otherwise remark on every fork of user code.
    GRPC_VERBOSITY: 'ERROR',
    // Its handlers crash some of the processes that user code forks (a DataLoader's workers); no child of ours needs them.
    GRPC_ENABLE_FORK_SUPPORT: '0',
    ...inherited,
    ...own,
  };
  return { ...env, PYTHONPATH: env.PYTHONPATH ? `${sdk}${delimiter}${env.PYTHONPATH}` : sdk };
}
