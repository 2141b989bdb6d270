import type { Knex } from 'knex';
import type { Platform } from '../../providers/provider.ts';

export type SeededDocument = {
  title: string;
  path?: string;
  platform?: Platform;
  integrationId?: string;
  category?: string;
  followed?: boolean;
  modifiedAt?: Date;
  importedAt?: Date;
  /** Passages, each with a text of its own. */
  chunks?: number;
};

/** Writes documents as imports would have left them, with nothing to embed. Gives their ids, in order. */
export async function seedDocuments(db: Knex, userId: string, documents: SeededDocument[]): Promise<string[]> {
  const ids: string[] = [];
  for (let start = 0; start < documents.length; start += 500) {
    const batch = documents.slice(start, start + 500);
    const rows = (await db('documents')
      .insert(
        batch.map((document, at) => ({
          user_id: userId,
          integration_id: document.integrationId ?? null,
          platform: document.platform ?? 'google_drive',
          account_id: document.integrationId ?? 'gone',
          item_ref: `seeded-${ids.length + at}-${document.title}`,
          title: document.title,
          path: document.path ?? `My Drive/${document.title}`,
          category: document.category ?? null,
          media_type: 'text/plain',
          format: 'txt',
          size_bytes: 2048,
          content_hash: `hash of ${document.title}`,
          text: 'The ferry stays in the harbour. '.repeat(60),
          chunk_count: document.chunks ?? 0,
          followed: document.followed ?? false,
          modified_at: document.modifiedAt ?? null,
          imported_at: document.importedAt ?? new Date(),
        })),
      )
      .returning('id')) as { id: string }[];
    ids.push(...rows.map(({ id }) => id));
    const chunks = rows.flatMap(({ id }, at) =>
      Array.from({ length: batch[at]?.chunks ?? 0 }, (_, ordinal) => ({
        document_id: id,
        ordinal,
        text: `Passage ${ordinal} of ${batch[at]?.title}.`,
        token_count: 12,
        text_hash: `${id} ${ordinal}`,
        terms: "'passage'",
      })),
    );
    for (let from = 0; from < chunks.length; from += 2000) await db('chunks').insert(chunks.slice(from, from + 2000));
  }
  return ids;
}

export const daysAgo = (days: number): Date => new Date(Date.now() - days * 86_400_000);
