/** What every command says. */

export interface Command<Type extends string> {
  readonly type: Type;
  /** Who asks: `typescript`, `python`, or what the caller calls itself. */
  readonly source: string;
  /** The same id answers the same reply and has its effect once. */
  readonly requestId?: string | undefined;
  /** The id of the calling session, which access rules are matched with; absent: the owning session itself. */
  readonly principal?: string | undefined;
  /** It is asked by a guest: see `Caller`. */
  readonly byRuleOnly?: boolean | undefined;
}
