/** How much one session and one command may hold. */

export interface VariableLimits {
  /** Variables in one session. Default 100,000. */
  readonly maxVariables: number;
  /** Specs or writes in one command. Default 10,000. */
  readonly maxBatch: number;
  /** Bytes of one value, about; of metadata too. Default 64 MiB. */
  readonly maxValueBytes?: number;
  /** Characters of a name. Default 128. */
  readonly maxNameLength?: number;
  /** Keys in the metadata of one variable: those of its registration and of all writes together. Default 1000. */
  readonly maxMetadataKeys?: number;
}

const MIB = 1024 * 1024;
export const MAX_VALUE_BYTES = 64 * MIB;
export const MAX_NAME_LENGTH = 128;
export const MAX_METADATA_KEYS = 1000;

export const defaultVariableLimits: Required<VariableLimits> = Object.freeze({
  maxVariables: 100_000,
  maxBatch: 10_000,
  maxValueBytes: MAX_VALUE_BYTES,
  maxNameLength: MAX_NAME_LENGTH,
  maxMetadataKeys: MAX_METADATA_KEYS,
});
