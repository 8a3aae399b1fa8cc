/** Applies what was committed. It knows no rule and cannot refuse: an event that does not fit is a bug and throws. */

import { assertNever } from '../kernel/result.js';
import type { VariableEvent } from './events.js';
import type { StateTarget } from './state.js';

export function evolve(state: StateTarget, event: VariableEvent): void {
  switch (event.type) {
    case 'variable.registered':
      state.insert(event.variable, event.earlier);
      return;
    case 'variable.updated':
    case 'variable.configured':
      state.replace(event.variable);
      return;
    case 'variable.deleted':
      state.remove(event.variableId);
      return;
    case 'dependency.added':
      state.connect(event.dependency);
      return;
    case 'dependency.removed':
      state.disconnect(event.dependency);
      return;
    case 'optimization.started':
    case 'optimization.applied':
    case 'optimization.ended':
      state.keepOptimization(event.optimization);
      return;
    case 'optimization.progressed':
      state.keepOptimization(event.optimization, [event.trial]);
      return;
    case 'request.completed':
      state.remember(event.requestId, event.reply);
      return;
    default:
      assertNever(event);
  }
}
