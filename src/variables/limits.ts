/** How much one session and one command may hold. */

export interface VariableLimits {
  /** Variables in one session. Default 100,000. */
  readonly maxVariables: number;
  /** Specs or writes in one command. Default 10,000. */
  readonly maxBatch: number;
}

export const defaultVariableLimits: VariableLimits = Object.freeze({ maxVariables: 100_000, maxBatch: 10_000 });
