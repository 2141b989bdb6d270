import type { Knex } from 'knex';

/** Whose vectors searches compare, and how far the hub is on its way to another embedder's. The same for all processes. */
export type SearchEmbedder = {
  /** Id of the embedder whose vectors are compared. */
  active: string;
  /** Becomes the active one, once every passage has a vector of it. */
  target?: string;
  /** When the one or the other became so. */
  changedAt: Date;
  /** Passages with a vector of the target, and in all. */
  done: number;
  total: number;
  /** Passages that the target's model does not take. */
  refused: number;
  /** Why the last try failed. */
  problem?: string;
  /** Whether vectors of other embedders may still be stored. */
  leftovers: boolean;
  /** Nobody has taken the work up although it was due a minute ago: no worker runs with the target. */
  isForsaken: boolean;
};

type Row = {
  active: string;
  target: string | null;
  changed_at: Date;
  done: number;
  total: number;
  refused: number;
  problem: string | null;
  leftovers: boolean;
  forsaken: boolean;
};

const COLUMNS = `active, target, changed_at, done, total, refused, problem, leftovers,
  target is not null and greatest(due_at, coalesce(held_until, due_at)) < now() - interval '1 minute' as forsaken`;

/** A process at work that was not heard of for so long is taken for dead. */
export const HELD_MS = 30_000;

const later = (db: Knex, ms: number): Knex.Raw => db.raw("now() + ? * interval '1 millisecond'", [Math.round(ms)]);

const toState = (row: Row): SearchEmbedder => ({
  active: row.active,
  target: row.target ?? undefined,
  changedAt: row.changed_at,
  done: row.done,
  total: row.total,
  refused: row.refused,
  problem: row.problem ?? undefined,
  leftovers: row.leftovers,
  isForsaken: row.forsaken,
});

/** Undefined before the first start of a hub. */
export async function findSearchEmbedder(db: Knex): Promise<SearchEmbedder | undefined> {
  const { rows } = await db.raw<{ rows: Row[] }>(`select ${COLUMNS} from search_embedder`);
  return rows[0] && toState(rows[0]);
}

/**
 * Since when searches compare vectors of this embedder and none is to take its place (milliseconds of the epoch; 0 before the first start of
 * a hub). Undefined where that is not so: then an index outside the database, which has vectors of one embedder alone, is not used.
 */
export async function settledSince(db: Knex, embedderId: string): Promise<number | undefined> {
  const state = await findSearchEmbedder(db);
  if (!state) return 0;
  return state.active === embedderId && state.target === undefined ? state.changedAt.getTime() : undefined;
}

/** The row, held until the transaction ends: `update` against everybody who changes it, `share` against those who change what it says. */
export async function lockSearchEmbedder(
  trx: Knex.Transaction,
  how: 'update' | 'share',
): Promise<SearchEmbedder | undefined> {
  const { rows } = await trx.raw<{ rows: Row[] }>(`select ${COLUMNS} from search_embedder for ${how}`);
  return rows[0] && toState(rows[0]);
}

/** The first start says what is compared; another process that was first has said it already. */
export async function insertSearchEmbedder(trx: Knex.Transaction, active: string): Promise<void> {
  await trx('search_embedder').insert({ active }).onConflict('id').ignore();
}

/** Another active embedder or another target: counting begins anew, and what other embedders have left is to be deleted. */
export async function changeSearchEmbedder(
  trx: Knex.Transaction,
  { active, target, done = 0, total = 0 }: { active: string; target?: string; done?: number; total?: number },
): Promise<void> {
  await trx('search_embedder').update({
    active,
    target: target ?? null,
    changed_at: trx.fn.now(),
    done,
    total,
    refused: 0,
    problem: null,
    leftovers: true,
    due_at: trx.fn.now(),
  });
}

/** Somebody is to look at once. */
export async function hurryReEmbedding(trx: Knex.Transaction): Promise<void> {
  await trx('search_embedder').update({ due_at: trx.fn.now() });
}

/** Whoever was at work is known to be dead. */
export async function freeReEmbedding(trx: Knex.Transaction): Promise<void> {
  await trx('search_embedder').update({ holder: null, held_until: null });
}

/** Takes the work up for an embedder, where it is due, nobody else has it, and this embedder is the one to work on. */
export async function takeReEmbedding(db: Knex, holder: string, embedderId: string): Promise<boolean> {
  const taken = await db('search_embedder')
    .whereRaw('coalesce(target, active) = ? and due_at <= now()', [embedderId])
    .whereRaw('(held_until is null or held_until < now())')
    .update({ holder, held_until: later(db, HELD_MS) });
  return taken === 1;
}

/** Still at work. False when the work is another's by now, or not to be done any more. */
export async function holdReEmbedding(db: Knex, holder: string, embedderId: string): Promise<boolean> {
  const held = await db('search_embedder')
    .where({ holder })
    .whereRaw('coalesce(target, active) = ?', [embedderId])
    .update({ held_until: later(db, HELD_MS) });
  return held === 1;
}

/** Puts the work down until then. `problem`: why; undefined after a success. */
export async function releaseReEmbedding(
  db: Knex,
  holder: string,
  { afterMs, problem }: { afterMs: number; problem?: string },
): Promise<void> {
  await db('search_embedder')
    .where({ holder })
    .update({ holder: null, held_until: null, due_at: later(db, afterMs), problem: problem ?? null });
}

/** Puts the work down where it is, for another process to take it up at once. */
export async function handOnReEmbedding(db: Knex, holder: string): Promise<void> {
  await db('search_embedder').where({ holder }).update({ holder: null, held_until: null });
}

/** How far it is. */
export async function noteReEmbedding(
  db: Knex,
  holder: string,
  counts: { done: number; total: number; refused: number },
): Promise<void> {
  await db('search_embedder')
    .where({ holder })
    .update({ ...counts, problem: null });
}

/** No vectors of other embedders are left. */
export async function settleLeftovers(trx: Knex.Transaction): Promise<void> {
  await trx('search_embedder').update({ leftovers: false });
}
