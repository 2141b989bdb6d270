import type { Knex } from 'knex';

/** `import`: its ledger or its state is another. `import-begun`: it is new, or runs again. `import-ended`: it was finished, cancelled or given up. */
export type Topic = 'import' | 'import-begun' | 'import-ended';
export type Change = { topic: Topic; id: string };
export type ChangeListener = (changes: Change[]) => void;

const noted = new WeakMap<Knex, Map<string, Change>>();

/** Notes what a transaction changes: the database tells it to its listeners once it has committed, each change once. */
export function noteChange(trx: Knex, topic: Topic, id: string): void {
  noted.get(trx)?.set(`${topic} ${id}`, { topic, id });
}

/** Makes a transaction one whose changes are noted. Gives a function that reads them. */
export function trackChanges(trx: Knex.Transaction): () => Change[] {
  const changes = new Map<string, Change>();
  noted.set(trx, changes);
  return () => [...changes.values()];
}
