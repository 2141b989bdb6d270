import type { Knex } from 'knex';
import type { StoredPassage } from '../pipeline/stored-passage.ts';
import { lockSearchEmbedder } from './search-embedder.ts';

/** Passages that are looked at, and vectors that are, by one statement. */
const PAGE = 1000;

type PassageRow = {
  id: string;
  title: string;
  heading_path: string[];
  text: string;
  text_hash: string;
  token_count: number;
};

/**
 * Whether a chunk `c` has a vector of the embedder that is bound. A scalar subquery and no join, so that each vector is looked up by its key:
 * while the first ones are stored the statistics know of none, and the planner would compare every chunk with every vector.
 */
const HAS_VECTOR = '(select true from chunk_embeddings e where e.text_hash = c.text_hash and e.embedder = ? limit 1)';

/** How many passages there are, and how many of them have a vector of this embedder. */
export async function countEmbedded(db: Knex, embedderId: string): Promise<{ done: number; total: number }> {
  const answer = await db.raw<{ rows: { done: number; total: number }[] }>(
    `select count(*)::integer as total, count(${HAS_VECTOR})::integer as done from chunks c`,
    [embedderId],
  );
  return answer.rows[0] ?? { done: 0, total: 0 };
}

/**
 * The passages without a vector of this embedder among the next thousand after the id `after`, in the order of their ids; `last` is the id
 * of the last one looked at, undefined at the end. What is imported meanwhile comes later in that order.
 */
export async function readMissing(
  db: Knex,
  after: string,
  embedderId: string,
): Promise<{ last?: string; passages: StoredPassage[] }> {
  const page = await db.raw<{ rows: { last: string | null }[] }>(
    'select max(id)::text as last from (select id from chunks where id > ? order by id limit ?) as page',
    [after, PAGE],
  );
  const last = page.rows[0]?.last ?? undefined;
  if (last === undefined) return { passages: [] };
  const answer = await db.raw<{ rows: PassageRow[] }>(
    `select c.id::text as id, d.title, c.heading_path, c.text, c.text_hash, c.token_count
     from chunks c join documents d on d.id = c.document_id
     where c.id > ? and c.id <= ? and ${HAS_VECTOR} is null
     order by c.id`,
    [after, last, embedderId],
  );
  const passages = answer.rows.map(({ heading_path, text_hash, token_count, ...row }) => ({
    ...row,
    headingPath: heading_path,
    textHash: text_hash,
    tokenCount: token_count,
  }));
  return { last, passages };
}

/** Whether any passage lacks a vector of this embedder, but for those whose text is known to stay without. */
export async function isAnyMissing(db: Knex, embedderId: string, known: string[]): Promise<boolean> {
  const answer = await db.raw<{ rows: unknown[] }>(
    `select from chunks c where ${HAS_VECTOR} is null and c.text_hash <> all(?::text[]) limit 1`,
    [embedderId, known],
  );
  return answer.rows.length > 0;
}

/**
 * Gives passages another hash, which their text has under the title that their document has now. They keep the vector that searches compare
 * until another embedder's takes its place. Those that somebody else has in hand are left for the next time, so that none waits for another.
 */
export async function moveHashes(
  trx: Knex.Transaction,
  passages: { id: string; former: string; hash: string }[],
): Promise<void> {
  // deleteOrphanEmbeddings waits for this lock, and this for its.
  await trx.raw('lock table chunk_embeddings in row exclusive mode');
  await trx.raw(
    `with held as materialized (
       select c.id, t.former, t.hash
       from unnest(?::bigint[], ?::text[], ?::text[]) as t (id, former, hash)
       join chunks c on c.id = t.id and c.text_hash = t.former
       for update of c skip locked
     ), kept as (
       insert into chunk_embeddings (text_hash, embedder, embedding)
       select h.hash, e.embedder, e.embedding from held h join chunk_embeddings e on e.text_hash = h.former
       where e.embedder = (select active from search_embedder)
       order by h.hash on conflict do nothing
     )
     update chunks c set text_hash = h.hash from held h where c.id = h.id`,
    [passages.map(({ id }) => id), passages.map(({ former }) => former), passages.map(({ hash }) => hash)],
  );
}

/** The place of a vector in the order in which leftovers are looked for. */
export type VectorKey = { textHash: string; embedder: string };

/**
 * Deletes, among the next thousand vectors after a place, those of embedders that are neither active nor to become it. Those that wait for
 * their document stay: the process that imports it was started with that embedder. `last` is undefined at the end.
 */
export async function deleteLeftovers(
  trx: Knex.Transaction,
  after: VectorKey,
): Promise<{ last?: VectorKey; deleted: number; waiting: number }> {
  // Nobody may choose an embedder whose vectors go at the same moment.
  const state = await lockSearchEmbedder(trx, 'share');
  if (!state) return { deleted: 0, waiting: 0 };
  const wanted = [state.active, ...(state.target === undefined ? [] : [state.target])];
  const answer = await trx.raw<{
    rows: { deleted: number; unwanted: number; text_hash: string | null; embedder: string | null }[];
  }>(
    `with page as materialized (
       select text_hash, embedder from chunk_embeddings where (text_hash, embedder) > (?, ?)
       order by text_hash, embedder limit ?
     ), gone as (
       delete from chunk_embeddings e using page p
       where e.text_hash = p.text_hash and e.embedder = p.embedder and p.embedder <> all(?::text[])
         and not exists (
           select from pending_embeddings w
           where w.text_hash = p.text_hash and w.embedder = p.embedder and w.created_at > now() - interval '1 day'
         )
       returning 1
     )
     select (select count(*) from gone)::integer as deleted,
       (select count(*) from page where embedder <> all(?::text[]))::integer as unwanted, last.text_hash, last.embedder
     from (select 1) as one left join lateral (
       select text_hash, embedder from page order by text_hash desc, embedder desc limit 1
     ) as last on true`,
    [after.textHash, after.embedder, PAGE, wanted, wanted],
  );
  const { deleted = 0, unwanted = 0, text_hash: textHash, embedder } = answer.rows[0] ?? {};
  return {
    deleted,
    waiting: unwanted - deleted,
    last: textHash && embedder ? { textHash, embedder } : undefined,
  };
}
