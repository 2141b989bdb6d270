import type { Knex } from 'knex';
import type { DocumentFacts } from './index.ts';

/** What lies of a document in an index outside the database: its passages, under the copy's id. */
export type IndexCopy = {
  id: string;
  documentId?: string;
  passages: number;
  state: 'uploading' | 'current' | 'leftover';
  /** Changes of the document that the index was not told yet. */
  changes: number;
  attempts: number;
};

/** An upload that was not heard of for so long is given up, and one that is looked after is not looked after twice. */
const LEASE = "interval '10 minutes'";

/** Notes a copy before its first passage is uploaded, so that it is known whatever happens then. */
export async function beginCopy(
  db: Knex,
  copy: { id: string; indexName: string; embedder: string; passages: number },
): Promise<void> {
  await db('index_copies').insert({
    id: copy.id,
    index_name: copy.indexName,
    embedder: copy.embedder,
    passages: copy.passages,
    state: 'uploading',
    due_at: db.raw(`now() + ${LEASE}`),
  });
}

/** The upload goes on. */
export async function holdCopy(db: Knex, id: string): Promise<void> {
  await db('index_copies')
    .where({ id, state: 'uploading' })
    .update({ due_at: db.raw(`now() + ${LEASE}`) });
}

/**
 * Shows a copy instead of the one before, when the transaction commits; the caller holds the document's row. False when the upload was given up
 * meanwhile. What changed of the document since `uploaded` was read is told to the index later.
 */
export async function showCopy(
  trx: Knex.Transaction,
  copy: { id: string; indexName: string; documentId: string; incomplete: boolean; uploaded: DocumentFacts },
): Promise<boolean> {
  await dropCopy(trx, copy.indexName, copy.documentId);
  const facts = await findFacts(trx, copy.documentId);
  const isSame =
    facts !== undefined && JSON.stringify(toComparable(facts)) === JSON.stringify(toComparable(copy.uploaded));
  const shown = await trx('index_copies')
    .where({ id: copy.id, state: 'uploading' })
    .update({
      document_id: copy.documentId,
      incomplete: copy.incomplete,
      state: 'current',
      changes: isSame ? 0 : 1,
      due_at: trx.fn.now(),
    });
  return shown === 1;
}

/** The document's copy is shown no more, and will be removed. */
export async function dropCopy(trx: Knex.Transaction, indexName: string, documentId: string): Promise<void> {
  await trx('index_copies')
    .where({ index_name: indexName, document_id: documentId, state: 'current' })
    .update({ state: 'leftover', due_at: trx.fn.now() });
}

/** A copy that is of no use is to be removed now, also when it was thought to be removed already. */
export async function abandonCopy(db: Knex, copy: { id: string; indexName: string; passages: number }): Promise<void> {
  await db('index_copies')
    .insert({ id: copy.id, index_name: copy.indexName, passages: copy.passages, state: 'leftover' })
    .onConflict('id')
    .merge({ state: 'leftover', attempts: 0, due_at: db.fn.now() });
}

/** Some of the copies that something is to be done about. Others keep off them for ten minutes. */
export async function takeCopies(db: Knex, indexName: string, limit: number): Promise<IndexCopy[]> {
  const answer = await db.raw<{ rows: (Omit<IndexCopy, 'documentId'> & { document_id: string | null })[] }>(
    `update index_copies set due_at = now() + ${LEASE}, attempts = attempts + 1
     where id in (
       select id from index_copies
       where index_name = ? and (state <> 'current' or changes > 0) and due_at <= now()
       order by due_at limit ? for update skip locked
     ) returning id, document_id, passages, state, changes, attempts`,
    [indexName, limit],
  );
  return answer.rows.map(({ document_id, ...copy }) => ({ ...copy, documentId: document_id ?? undefined }));
}

/** The index has let go of it. */
export async function forgetCopy(db: Knex, id: string): Promise<void> {
  await db('index_copies').where({ id }).delete();
}

/** The index of that name is new and empty. */
export async function forgetCopies(db: Knex, indexName: string): Promise<void> {
  await db('index_copies').where({ index_name: indexName }).delete();
}

/** The index was told of so many changes; one that came meanwhile is still to be told. */
export async function settleChanges(db: Knex, { id, changes }: IndexCopy): Promise<void> {
  await db('index_copies')
    .where({ id })
    .update({ changes: db.raw('changes - ?', [changes]), attempts: 0, due_at: db.fn.now() });
}

export async function postponeCopy(db: Knex, id: string, afterMs: number): Promise<void> {
  await db('index_copies')
    .where({ id })
    .update({ due_at: db.raw("now() + ? * interval '1 millisecond'", [Math.round(afterMs)]) });
}

/** The states of these copies, as far as they are known. */
export async function copyStates(db: Knex, ids: string[]): Promise<Map<string, IndexCopy['state']>> {
  if (ids.length === 0) return new Map();
  const rows = (await db('index_copies').whereIn('id', ids).select('id', 'state')) as Pick<IndexCopy, 'id' | 'state'>[];
  return new Map(rows.map(({ id, state }) => [id, state]));
}

/** Whether anything of the hub lies in the index of that name. */
export async function hasCopies(db: Knex, indexName: string): Promise<boolean> {
  return (
    (await db('index_copies').where({ index_name: indexName }).first<{ id: string } | undefined>('id')) !== undefined
  );
}

/** How many documents have no copy with vectors of this embedder in the index, up to `limit`. */
export async function countUncopied(db: Knex, indexName: string, embedderId: string, limit: number): Promise<number> {
  const answer = await db.raw<{ rows: { count: string }[] }>(
    `select count(*) from (
       select from documents d where not exists (
         select from index_copies c
         where c.document_id = d.id and c.index_name = ? and c.embedder = ? and c.state = 'current'
       ) limit ?
     ) as uncopied`,
    [indexName, embedderId, limit],
  );
  return Number(answer.rows[0]?.count ?? 0);
}

/**
 * Some documents that are to be uploaded as they are stored: those without a copy, those with vectors of another embedder, and those that lacked
 * vectors and have them now. In no order, so that several workers seldom take the same.
 */
export async function listToUpload(db: Knex, indexName: string, embedderId: string, limit: number): Promise<string[]> {
  const answer = await db.raw<{ rows: { id: string }[] }>(
    `select d.id from documents d
     left join index_copies c on c.document_id = d.id and c.index_name = :indexName and c.state = 'current'
     where c.id is null or c.embedder is distinct from :embedderId or (c.incomplete and not exists (
       select from chunks k where k.document_id = d.id and not exists (
         select from chunk_embeddings e where e.text_hash = k.text_hash and e.embedder = :embedderId
       )
     ))
     order by random() limit :limit`,
    { indexName, embedderId, limit },
  );
  return answer.rows.map(({ id }) => id);
}

/** What an index knows of a document beside its passages. */
export async function findFacts(db: Knex, documentId: string): Promise<DocumentFacts | undefined> {
  const row = await db('documents').where({ id: documentId }).first<
    | {
        user_id: string;
        platform: DocumentFacts['platform'];
        title: string;
        path: string;
        category: string | null;
        integration_id: string | null;
        modified_at: Date | null;
      }
    | undefined
  >('user_id', 'platform', 'title', 'path', 'category', 'integration_id', 'modified_at');
  return (
    row && {
      userId: row.user_id,
      platform: row.platform,
      title: row.title,
      path: row.path,
      category: row.category ?? undefined,
      integrationId: row.integration_id ?? undefined,
      modifiedAt: row.modified_at ?? undefined,
    }
  );
}

const toComparable = (facts: DocumentFacts) => [
  facts.userId,
  facts.platform,
  facts.title,
  facts.path,
  facts.category ?? null,
  facts.integrationId ?? null,
  facts.modifiedAt?.getTime() ?? null,
];
