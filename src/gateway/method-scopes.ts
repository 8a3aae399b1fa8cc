/** What each method needs: the scope of its principal, and whether guests of a session are let in at all. */

import type { CallsService } from '../gen/coilyard/v1/calls.js';
import type { OptimizationsService } from '../gen/coilyard/v1/optimizations.js';
import type { SessionsService } from '../gen/coilyard/v1/sessions.js';
import type { VariablesService } from '../gen/coilyard/v1/variables.js';
import type { WorkersService } from '../gen/coilyard/v1/workers.js';
import type { Scope } from './principal.js';

type PathsOf<Service> = Service[keyof Service] extends { readonly path: infer Path extends string } ? Path : never;

/** Every method of ours. */
export type MethodPath =
  | PathsOf<typeof SessionsService>
  | PathsOf<typeof VariablesService>
  | PathsOf<typeof WorkersService>
  | PathsOf<typeof CallsService>
  | PathsOf<typeof OptimizationsService>;

/** Total: a method that is not here does not compile. */
export const scopeOf = {
  // Attaching to a living session is reading; whoever starts one needs the scope `sessions`, which its handler asks for.
  '/coilyard.v1.Sessions/CreateSession': 'read',
  '/coilyard.v1.Sessions/GetSession': 'read',
  '/coilyard.v1.Sessions/TouchSession': 'read',
  '/coilyard.v1.Sessions/ListSessions': 'read',
  '/coilyard.v1.Sessions/StopSession': 'sessions',
  '/coilyard.v1.Variables/GetVariable': 'read',
  '/coilyard.v1.Variables/GetVariables': 'read',
  '/coilyard.v1.Variables/ListVariables': 'read',
  '/coilyard.v1.Variables/CheckAccess': 'read',
  '/coilyard.v1.Variables/GetDependencies': 'read',
  '/coilyard.v1.Variables/GetVariableHistory': 'read',
  '/coilyard.v1.Variables/GetVariableStats': 'read',
  '/coilyard.v1.Variables/ExportVariables': 'read',
  '/coilyard.v1.Variables/Watch': 'read',
  '/coilyard.v1.Variables/RegisterVariables': 'write',
  '/coilyard.v1.Variables/SetVariable': 'write',
  '/coilyard.v1.Variables/UpdateVariables': 'write',
  '/coilyard.v1.Variables/DeleteVariable': 'write',
  '/coilyard.v1.Variables/RollbackVariable': 'write',
  '/coilyard.v1.Variables/ConfigureVariable': 'write',
  '/coilyard.v1.Variables/AddDependency': 'write',
  '/coilyard.v1.Variables/RemoveDependency': 'write',
  '/coilyard.v1.Variables/ImportVariables': 'write',
  '/coilyard.v1.Optimizations/GetOptimizationStatus': 'read',
  '/coilyard.v1.Optimizations/GetOptimizationHistory': 'read',
  '/coilyard.v1.Optimizations/FollowOptimization': 'read',
  '/coilyard.v1.Optimizations/StartOptimization': 'write',
  '/coilyard.v1.Optimizations/AskTrial': 'write',
  '/coilyard.v1.Optimizations/TellTrial': 'write',
  '/coilyard.v1.Optimizations/RenewOptimization': 'write',
  '/coilyard.v1.Optimizations/StopOptimization': 'write',
  '/coilyard.v1.Workers/ListTools': 'call',
  '/coilyard.v1.Workers/CallTool': 'call',
  // Let in by the one-time token in the hello, whoever dials.
  '/coilyard.v1.Workers/Attach': 'itself',
  // Each call that it carries is asked for the scope of its own method.
  '/coilyard.v1.Calls/Carry': 'itself',
} as const satisfies Record<MethodPath, Scope | 'itself'>;

/** Those about values, what a guest may do with them, and trying others. */
const openToGuests: ReadonlySet<MethodPath> = new Set<MethodPath>([
  '/coilyard.v1.Variables/GetVariable',
  '/coilyard.v1.Variables/GetVariables',
  '/coilyard.v1.Variables/ListVariables',
  '/coilyard.v1.Variables/CheckAccess',
  '/coilyard.v1.Variables/GetDependencies',
  '/coilyard.v1.Variables/GetVariableHistory',
  '/coilyard.v1.Variables/GetVariableStats',
  '/coilyard.v1.Variables/ExportVariables',
  '/coilyard.v1.Variables/Watch',
  '/coilyard.v1.Variables/SetVariable',
  '/coilyard.v1.Variables/UpdateVariables',
  '/coilyard.v1.Variables/RollbackVariable',
  '/coilyard.v1.Optimizations/StartOptimization',
  '/coilyard.v1.Optimizations/AskTrial',
  '/coilyard.v1.Optimizations/TellTrial',
  '/coilyard.v1.Optimizations/RenewOptimization',
  '/coilyard.v1.Optimizations/StopOptimization',
  '/coilyard.v1.Optimizations/GetOptimizationStatus',
  '/coilyard.v1.Optimizations/GetOptimizationHistory',
  '/coilyard.v1.Optimizations/FollowOptimization',
]);

/** Whether rules can grant a guest something of this method. */
export const isOpenToGuests = (method: MethodPath): boolean => openToGuests.has(method);
