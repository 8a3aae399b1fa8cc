/** Branded identifiers: a session id can never be passed where a worker id is meant. They are made here only. */

declare const brand: unique symbol;
type Branded<Name extends string> = string & { readonly [brand]: Name };

export type SessionId = Branded<'SessionId'>;
export type VariableId = Branded<'VariableId'>;
export type WorkerId = Branded<'WorkerId'>;

/** Which life of a process is speaking: 1, 2, 3, … A message of an earlier life is dropped and counted. */
export type Incarnation = number & { readonly [brand]: 'Incarnation' };

// The assertions below are the only place where plain text becomes an id.
export const sessionId = (text: string): SessionId => text as SessionId;
export const variableId = (text: string): VariableId => text as VariableId;
export const workerId = (text: string): WorkerId => text as WorkerId;
export const incarnation = (count: number): Incarnation => count as Incarnation;
export const nextIncarnation = (current: Incarnation): Incarnation => (current + 1) as Incarnation;

/** Session ids: 1 to 128 characters that need no quoting in a URL, a file name or a Redis key. */
const SESSION_ID = /^[A-Za-z0-9][A-Za-z0-9._:@-]{0,127}$/;
export const isSessionId = (text: string): text is SessionId => SESSION_ID.test(text);

/** What {@link isSessionId} accepts, in words, for messages. */
export const SESSION_ID_RULE = '1 to 128 characters of A-Z a-z 0-9 . _ : @ - that start with a letter or digit';
