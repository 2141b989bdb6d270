import type { Knex } from 'knex';

/** A document as other pages name it. */
export type DocumentName = { id: string; title: string };

/** For each of the documents that is not the only one of its user with its content: the oldest other one. */
export async function findTwins(db: Knex, documentIds: string[]): Promise<Map<string, DocumentName>> {
  if (documentIds.length === 0) return new Map();
  const { rows } = (await db.raw(
    `select documents.id as of, twin.id, twin.title
     from documents cross join lateral (
       select id, title from documents as other
       where other.user_id = documents.user_id and other.content_hash = documents.content_hash
         and other.id <> documents.id
       order by other.imported_at limit 1
     ) as twin
     where documents.id = any(?::uuid[])`,
    [documentIds],
  )) as { rows: { of: string; id: string; title: string }[] };
  return new Map(rows.map(({ of, id, title }) => [of, { id, title }]));
}
