import { createHash } from 'node:crypto';
import type { Knex } from 'knex';

/** What an import left, in words that do not differ from one database to another. Keys are paths. */
export type Content = {
  documents: Record<string, string>;
  /** By path and ordinal. */
  chunks: Record<string, string>;
  ledger: Record<string, string>;
  folders: Record<string, string>;
  imports: string[];
};

const sha = (text: string): string => createHash('sha256').update(text).digest('hex').slice(0, 16);

/** Everything that a reader of the documents, the index and the ledger would see. Errors: Error for two rows of one path. */
export async function contentOf(db: Knex): Promise<Content> {
  const documents = (await db('documents').select(
    'path',
    'title',
    'text',
    'content_hash',
    'chunk_count',
    'version',
    'followed',
  )) as Row[];
  const chunks = (await db('chunks')
    .join('documents', 'documents.id', 'chunks.document_id')
    .leftJoin('chunk_embeddings', 'chunk_embeddings.text_hash', 'chunks.text_hash')
    .select(
      'path',
      'ordinal',
      'chunks.text',
      'chunks.text_hash',
      'heading_path',
      'token_count',
      'term_count',
      db.raw('md5(embedding::real[]::text) as embedding'),
    )) as Row[];
  const ledger = (await db('import_items')
    .leftJoin('documents', 'documents.id', 'import_items.document_id')
    .select(
      'import_items.path',
      'import_items.name',
      'state',
      'reason',
      'import_items.chunk_count',
      'import_items.size_bytes',
      { document: 'documents.path' },
    )) as Row[];
  const folders = (await db('import_folders').select('path', 'state', 'cursor', 'deep')) as Row[];
  const imports = (await db('imports').select('status', 'problem')) as Row[];
  return {
    documents: byKey(
      documents,
      ({ path }) => path,
      ({ text = '', ...row }) => `${JSON.stringify(row)} ${sha(text)}`,
    ),
    chunks: byKey(
      chunks,
      ({ path, ordinal }) => `${path} #${ordinal}`,
      ({ text = '', ...row }) => `${JSON.stringify(row)} ${sha(text)}`,
    ),
    ledger: byKey(
      ledger,
      ({ path }) => path,
      (row) => JSON.stringify(row),
    ),
    folders: byKey(
      folders,
      ({ path }) => path,
      (row) => JSON.stringify(row),
    ),
    imports: imports.map((row) => JSON.stringify(row)),
  };
}

type Row = { path: string; text?: string; ordinal?: number };

function byKey(rows: Row[], keyOf: (row: Row) => string, valueOf: (row: Row) => string): Record<string, string> {
  const found: Record<string, string> = {};
  for (const row of rows) {
    const key = keyOf(row);
    if (key in found) throw new Error(`there are two rows of ${key}`);
    found[key] = valueOf(row);
  }
  return Object.fromEntries(Object.entries(found).sort(([a], [b]) => (a < b ? -1 : 1)));
}

/** What should not be there once an import is done; every number must be 0. */
export async function leftoversOf(db: Knex): Promise<Record<string, number>> {
  const count = async (sql: string): Promise<number> =>
    (await db.raw<{ rows: { count: number }[] }>(`select count(*)::integer as count ${sql}`)).rows[0]?.count ?? -1;
  return {
    'chunks without an embedding': await count(
      'from chunks c where not exists (select from chunk_embeddings e where e.text_hash = c.text_hash)',
    ),
    'embeddings without a chunk': await count(
      'from chunk_embeddings e where not exists (select from chunks c where c.text_hash = e.text_hash)',
    ),
    'embeddings that wait for their document': await count('from pending_embeddings'),
    'documents with another number of chunks than they say': await count(
      `from documents d where chunk_count <> (select count(*) from chunks c where c.document_id = d.id)`,
    ),
    'open rows of the ledger': await count(`from import_items where state in ('waiting', 'running')`),
    'jobs that wait, run or failed': await count(
      `from pgboss.job where name in ('import-item', 'expand-folder') and state not in ('completed')`,
    ),
  };
}

/** What differs between two contents, a line each: thousands of equal rows are no help to a reader. */
export function differencesOf(found: Content, expected: Content): string[] {
  const parts = ['documents', 'chunks', 'ledger', 'folders'] as const;
  const lines = parts.flatMap((part) =>
    [...new Set([...Object.keys(expected[part]), ...Object.keys(found[part])])]
      .filter((key) => found[part][key] !== expected[part][key])
      .map((key) => `${part}: ${key}: ${found[part][key] ?? 'missing'} instead of ${expected[part][key] ?? 'nothing'}`),
  );
  if (found.imports.join() !== expected.imports.join()) lines.push(`imports: ${found.imports.join()}`);
  return lines;
}
