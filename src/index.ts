/** `coilyard`: sessions that own variables, agents that read them, Python workers that run modules, one supervision tree. */

export { formatTree, type StopReport, type TreeNode } from '../supervisors/index.js';
export { Agent, type RunOptions } from './agents/agent.js';
export {
  type AgentDefinition,
  defineAgent,
  type ExecuteModuleOptions,
  type Modules,
  type RunContext,
  type ValuesOf,
} from './agents/define-agent.js';
export { dspy, type ModuleOptions, type ModuleRecipe, type ToolModuleOptions } from './agents/dspy.js';
export type { InputsOf, OutputsOf } from './agents/signature.js';
export { type VariableDeclaration, variable } from './agents/variable.js';
export type {
  GatewayOptions,
  LimitOptions,
  Logger,
  PythonOptions,
  RuntimeOptions,
  TelemetryExporter,
} from './config.js';
export { type Clock, type Random, systemClock, systemRandom, type Timer } from './kernel/clock.js';
export { CoilyardError, type ErrorCode, type ErrorDetails, type Execution, errorKinds } from './kernel/errors.js';
export { describeExit, type ExitReason, exitReason } from './kernel/exit-reason.js';
export type { Process } from './kernel/process.js';
export type { EventName, RuntimeEvents, TelemetryBus } from './kernel/telemetry.js';
export type {
  Candidate,
  Optimizer,
  OptimizerFactory,
  StudyPlan,
  StudyVariable,
  Suggestion,
  TrialResult,
} from './optimizers/algorithms/optimizer.js';
export type { EndedTrial, Measured, NamedValue, Told, Trial } from './optimizers/handle.js';
export type { OptimizationRun } from './optimizers/optimization-run.js';
export type { ObjectiveFunction, OptimizeOptions, Optimizers, TrialContext } from './optimizers/optimizers.js';
export { Runtime, type StopRuntimeOptions, startRuntime } from './runtime.js';
export type { PrincipalOptions, TlsOptions } from './runtime/gateway-config.js';
export type { ListeningGateway } from './runtime/gateway-runtime.js';
export {
  type Attributes,
  type MeterLike,
  type OpenTelemetryOptions,
  openTelemetry,
  type SpanLike,
  type TracerLike,
} from './runtime/open-telemetry.js';
export { type PrometheusMetrics, type PrometheusOptions, prometheusMetrics } from './runtime/prometheus.js';
export type { PythonCallOptions } from './runtime/python-arguments.js';
export type { WorkerInvitation } from './runtime/python-runtime.js';
export type { RuntimeTools, Tool, ToolContext } from './runtime/runtime-tools.js';
export type { AuditOptions } from './sessions/audit.js';
export type { AuditAction, AuditEntry } from './sessions/audit-entries.js';
export type {
  DependencyInfo,
  ExecuteOptions,
  ImportOptions,
  ImportResult,
  SessionInfo,
  StartSessionOptions,
  WatchEnd,
} from './sessions/handle.js';
export type { OptimizationEntry, OptimizationHistoryOptions } from './sessions/optimization-history.js';
export type { OptimizationStatus } from './sessions/optimization-status.js';
export type { Session, Written } from './sessions/session.js';
export type {
  CommandOptions,
  DependencyOptions,
  ListOptions,
  ModifyOptions,
  RegisterOptions,
  Registration,
  RollbackOptions,
  SetOptions,
  UpdateOptions,
  UpdateResult,
} from './sessions/session-options.js';
export type { SessionPin } from './sessions/session-pin.js';
export type { SessionStats, VariableStats } from './sessions/stats.js';
export type { Commit, CommitOutcome, CommitRequest, Position, SessionStore } from './sessions/store.js';
export { type MemoryStoreOptions, memoryStore } from './sessions/stores/memory.js';
export type { VariableUpdate } from './sessions/update.js';
export type { Watch, WatchStreamOptions } from './sessions/watch-stream.js';
export type { AccessRule, AccessRuleInput, Permission } from './variables/access.js';
export type { DependencySpec } from './variables/commands.js';
export type { Compute } from './variables/compute.js';
export type { DependencyType } from './variables/graph.js';
export type { Direction, EndReason } from './variables/optimization.js';
export { type Dtype, Tensor, type TypedArray } from './variables/tensor.js';
export type { ImportDetail, ImportSummary, MergeStrategy } from './variables/transfer-document.js';
export type { ExportOptions, TransferFormat } from './variables/transfer-encode.js';
export { type ConstraintTest, defineType, type TypeDefinition, type UserType } from './variables/types/define-type.js';
export type { BuiltInTypeName, HistoryEntry, Variable } from './variables/variable.js';
export type { Affinity } from './workers/affinity.js';
export type { ResourceName } from './workers/staff-options.js';
export type { PoolOptions } from './workers/pool-options.js';
export type { Arguments, CallLog, CallProgress, ToolListing, ToolRequest } from './workers/python-port.js';
export type { ModuleSpec, Recipe, ToolSpec } from './workers/recipe.js';
export type { RegisterToolOptions } from './workers/tool-registry.js';
