import type { Seat } from './api.ts';

/** Entries of all connections together: the oldest go first. */
const MOST = 20_000;
const KEPT_MS = 3_600_000;

/** What was learned of an account's site a short while ago, by id. Never shared between accounts: each sees what it may. */
export type Memory<T> = {
  get(seat: Seat, id: string): T | undefined;
  set(seat: Seat, id: string, value: T): void;
  delete(seat: Seat, id: string): void;
};

export function createMemory<T>(): Memory<T> {
  const entries = new Map<string, { value: T; until: number }>();
  const keyOf = ({ connection, cloudId }: Seat, id: string): string =>
    [connection.integrationId, cloudId ?? '', id].join(' ');
  return {
    get(seat, id) {
      const entry = entries.get(keyOf(seat, id));
      return entry && entry.until > Date.now() ? entry.value : undefined;
    },
    set(seat, id, value) {
      const key = keyOf(seat, id);
      // Again at the end: a Map keeps the order in which its keys came.
      entries.delete(key);
      entries.set(key, { value, until: Date.now() + KEPT_MS });
      const [oldest] = entries.keys();
      if (entries.size > MOST && oldest !== undefined) entries.delete(oldest);
    },
    delete: (seat, id) => void entries.delete(keyOf(seat, id)),
  };
}
