/** Names of writers, ids of requests and the like: they are kept with what they have written. */

const MAX_LABEL_LENGTH = 128;

export const LABEL = `a text of 1 to ${MAX_LABEL_LENGTH} characters`;

export const isLabel = (text: unknown): text is string =>
  typeof text === 'string' && text.length > 0 && text.length <= MAX_LABEL_LENGTH && text.isWellFormed();
