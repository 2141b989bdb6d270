/** What happened to one thing. `value` is as it is now; of what is gone as it was last seen. */
export type LogEntry<T> = { id: string; gone: boolean; value: T };

export type ChangeLog<T> = {
  /** How many changes there were up to now. */
  position(): number;
  /** Those after a position, at most `limit`; undefined for a position that this log never had. */
  since(position: number, limit: number): { entries: LogEntry<T>[]; position: number; more: boolean } | undefined;
};

/**
 * A log of changes by comparison: what is seen now, at a question, with what was seen at the one before. So tests and people may change the
 * stand-in's files in any way. `see` gives everything by id; `printOf` what makes a difference.
 */
export function createChangeLog<T>(see: () => Map<string, T>, printOf: (value: T) => string): ChangeLog<T> {
  const log: LogEntry<T>[] = [];
  let before = printed();

  function printed(): Map<string, { print: string; value: T }> {
    return new Map([...see()].map(([id, value]) => [id, { print: printOf(value), value }]));
  }

  function look(): void {
    const now = printed();
    for (const [id, { value }] of before) if (!now.has(id)) log.push({ id, gone: true, value });
    for (const [id, { print, value }] of now) if (before.get(id)?.print !== print) log.push({ id, gone: false, value });
    before = now;
  }

  return {
    position() {
      look();
      return log.length;
    },
    since(position, limit) {
      look();
      if (!Number.isInteger(position) || position < 0 || position > log.length) return undefined;
      const entries = log.slice(position, position + limit);
      const reached = position + entries.length;
      return { entries, position: reached, more: reached < log.length };
    },
  };
}
