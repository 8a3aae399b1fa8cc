/** `coilyard/supervisors`: OTP's supervision for Node. The guide is docs/guides/supervision.md. */

export { CoilyardError } from '../src/kernel/errors.js';
export { describeExit, type ExitReason, exitReason, isCleanExit } from '../src/kernel/exit-reason.js';
export { IGNORE, type Ignore, type NameRegistry, type Process, type ProcessName } from '../src/kernel/process.js';
export { type ProcessContext, type SpawnOptions, spawn } from '../src/kernel/spawn.js';
export { type ActorProcess, type SpawnActorOptions, spawnActor } from '../src/kernel/spawn-actor.js';
export type { BreakerOptions } from './breaker.js';
export type { Life } from './child.js';
export type { ChildCounts, ChildInfo } from './child-info.js';
export type { ChildId, ChildOptions, ChildSpec, Shutdown, StartResult } from './child-spec.js';
export {
  type DynamicChildSpec,
  type DynamicSupervisor,
  type DynamicSupervisorFlags,
  startDynamicSupervisor,
} from './dynamic-supervisor.js';
export type { SupervisorEvent, SupervisorListener } from './events.js';
export {
  type PartitionSupervisor,
  type PartitionSupervisorFlags,
  startPartitionSupervisor,
} from './partition-supervisor.js';
export {
  type Registry,
  type RegistryEntry,
  type RegistryEvent,
  type RegistryOptions,
  startRegistry,
} from './registry.js';
export type { Backoff, RestartBudget, RestartType } from './restart-policy.js';
export { spawnServer } from './server.js';
export type {
  CallOptions,
  CrashReport,
  ExitMessage,
  From,
  IdleMessage,
  InitOutcome,
  Outcome,
  Server,
  ServerContext,
  ServerOptions,
} from './server-types.js';
export type { StopReport, UncleanStop } from './stop-children.js';
export {
  type AutoShutdown,
  type StaticSupervisorFlags,
  type Strategy,
  type Supervisor,
  startSupervisor,
} from './supervisor.js';
export type { StopOptions } from './supervisor-core.js';
export type { SupervisorFlags } from './supervisor-flags.js';
export { startTask, type Task, type TaskContext, type TaskOptions, type TaskResult } from './task.js';
export { formatTree, type TreeNode } from './tree.js';
