import { ProviderError } from '../errors.ts';
import type { Seat } from './api.ts';
import { createMemory } from './memory.ts';

/**
 * What is known of some ids, one answer for all of them. Those `near` are asked for along with them: somebody will want them next.
 * Errors: ProviderError; what the account may not know is left out.
 */
type Lookup<T> = (seat: Seat, ids: string[], near?: string[]) => Promise<Map<string, T>>;

/** Asks for at most `atOnce` ids in a call, and for none twice in a while. */
export function createLookup<T>(
  atOnce: number,
  ask: (seat: Seat, ids: string[]) => Promise<Map<string, T>>,
): Lookup<T> {
  const memory = createMemory<Promise<T | undefined>>();

  const askFor = ({ connection, cloudId }: Seat, ids: string[]): void => {
    // Others wait for the answer too: it does not end with the one who asked first.
    const seat = { connection, cloudId };
    const answer = ask(seat, ids).catch((error: unknown) => {
      if (isNotForThem(error)) return new Map<string, T>();
      for (const id of ids) memory.delete(seat, id);
      throw error;
    });
    for (const id of ids) {
      const value = answer.then((found) => found.get(id));
      // It is reported to those who wait for it; perhaps nobody does.
      value.catch(() => undefined);
      memory.set(seat, id, value);
    }
  };

  return async (seat, ids, near = []) => {
    const isUnknown = (id: string): boolean => memory.get(seat, id) === undefined;
    const unknown = [...new Set(ids.filter(isUnknown))];
    const others = unknown.length === 0 ? [] : near.filter((id) => isUnknown(id) && !unknown.includes(id));
    const asked = [...unknown, ...new Set(others)].slice(0, Math.max(atOnce, unknown.length));
    for (let at = 0; at < asked.length; at += atOnce) askFor(seat, asked.slice(at, at + atOnce));
    const found = await Promise.all(ids.map(async (id) => [id, await memory.get(seat, id)] as const));
    return new Map(found.flatMap(([id, value]) => (value === undefined ? [] : [[id, value] as const])));
  };
}

/** A page is worth reading without what a lookup would add to it. */
const isNotForThem = (error: unknown): boolean =>
  error instanceof ProviderError && ['scope', 'denied', 'gone', 'bad_response'].includes(error.kind);
