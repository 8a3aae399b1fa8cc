/** The words of the wire that other rooms need to speak with Python. */

export type { ModuleSpec, Recipe, ToolSpec, TypedValue } from '../wire/frames.js';
