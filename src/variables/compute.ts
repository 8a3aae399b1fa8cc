/** The functions of computed variables. */

/**
 * Makes the value of a computed variable out of those of its dependencies, by name. It is called while a command is
 * decided: it answers at once, has no effects, and gives the same for the same. What it throws refuses the command.
 */
export type Compute = (values: Readonly<Record<string, unknown>>) => unknown;

/** The functions of the computed variables, by id. They live as long as the process, not in the store. */
export type Computations = ReadonlyMap<string, Compute>;

/** Who a computed value says it is from. */
export const COMPUTED_SOURCE = 'computed';
