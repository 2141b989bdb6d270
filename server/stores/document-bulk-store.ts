import type { Knex } from 'knex';
import type { DocumentFilter } from '../services/document-filter.ts';
import type { IntegrationStatus } from '../services/integration-service.ts';
import { matchingDocuments } from './document-list-store.ts';

/** Documents that were ticked, or all that a filter lets through. */
export type DocumentChoice = { ids: string[] } | { filter: DocumentFilter };

const chosen = (db: Knex, userId: string, choice: DocumentChoice): Knex.QueryBuilder =>
  'ids' in choice
    ? db('documents').where({ user_id: userId }).whereIn('id', choice.ids)
    : matchingDocuments(db, userId, choice.filter);

/** How many are chosen, by how their accounts stand; without an account where it is gone. */
export async function countChosen(
  db: Knex,
  userId: string,
  choice: DocumentChoice,
): Promise<{ status?: IntegrationStatus; documents: number; passages: number; followed: number }[]> {
  const rows = (await db
    .with('chosen', chosen(db, userId, choice).select('integration_id', 'chunk_count', 'followed'))
    .from('chosen')
    .leftJoin('user_integrations', 'user_integrations.id', 'chosen.integration_id')
    .groupBy('status')
    .select(
      'status',
      db.raw('count(*) as documents, sum(chunk_count) as passages, count(*) filter (where followed) as followed'),
    )) as { status: IntegrationStatus | null; documents: string; passages: string; followed: string }[];
  return rows.map((row) => ({
    status: row.status ?? undefined,
    documents: Number(row.documents),
    passages: Number(row.passages),
    followed: Number(row.followed),
  }));
}

export type ChosenDocument = { id: string; itemRef: string; integrationId?: string };

/** The next of the chosen documents after one of them, by id: each comes once, whatever is done to those before. */
export async function nextChosen(
  db: Knex,
  userId: string,
  choice: DocumentChoice,
  options: { after?: string; limit: number; ofActive?: boolean },
): Promise<ChosenDocument[]> {
  const query = chosen(db, userId, choice).orderBy('id').limit(options.limit);
  if (options.after) query.where('id', '>', options.after);
  if (options.ofActive)
    query.whereIn('integration_id', db('user_integrations').where({ user_id: userId, status: 'active' }).select('id'));
  const rows = (await query.select('id', 'item_ref', 'integration_id')) as {
    id: string;
    item_ref: string;
    integration_id: string | null;
  }[];
  return rows.map((row) => ({ id: row.id, itemRef: row.item_ref, integrationId: row.integration_id ?? undefined }));
}

/** Gives how many had another one, or none. */
export async function setCategory(
  trx: Knex.Transaction,
  userId: string,
  ids: string[],
  category: string | undefined,
): Promise<number> {
  return trx('documents')
    .where({ user_id: userId })
    .whereIn('id', ids)
    .whereRaw('category is distinct from ?', [category ?? null])
    .update({ category: category ?? null });
}
