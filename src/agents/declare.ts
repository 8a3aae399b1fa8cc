/** Registers an agent's variables in its session. Repeating it changes nothing: supervisors and users start again. */

import { reading } from '../kernel/arguments.js';
import { CoilyardError } from '../kernel/errors.js';
import type { Registration, Session } from '../sessions/session.js';
import type { VariableDeclarations } from './define-agent.js';

/** Rejects with `variable_exists` when the session has a variable of that name but of another type. */
export async function declareVariables(session: Session, declarations: VariableDeclarations): Promise<void> {
  const missing = reading('variables', () => missingIn(session, declarations));
  if (missing.length > 0) await session.registerMany(missing);
}

function missingIn(session: Session, declarations: VariableDeclarations): Registration[] {
  const missing: Registration[] = [];
  for (const [name, { type, initialValue, constraints, description, metadata, readOnly }] of Object.entries(
    declarations,
  )) {
    const present = session.lookUp(name);
    if (present === undefined) missing.push({ name, type, initialValue, constraints, description, metadata, readOnly });
    else if (present.type !== type)
      throw new CoilyardError('variable_exists', `${name}: the session has it as ${present.type}, not as ${type}`, {
        details: { variable: name, expected: type, actual: present.type },
      });
  }
  return missing;
}
