import type { Knex } from 'knex';
import type { Platform } from '../../providers/provider.ts';
import type { DocumentState } from '../services/document-filter.ts';
import type {
  DocumentChunk,
  DocumentDetail,
  DocumentHead,
  Details,
  DocumentSummary,
} from '../services/document-service.ts';

export type DocumentRow = {
  id: string;
  title: string;
  path: string;
  platform: Platform;
  category: string | null;
  media_type: string;
  format: string;
  size_bytes: string | null;
  chunk_count: number;
  url: string | null;
  version: string | null;
  content_hash: string;
  imported_at: Date;
  modified_at: Date | null;
  integration_id: string | null;
  details: Details;
  state: DocumentState;
};

/** How a document is looked after. */
export const DOCUMENT_STATE = `case when integration_id is null then 'disconnected'
  when integration_id in (select id from user_integrations where status <> 'active') then 'paused'
  when followed then 'followed' else 'once' end`;

export const DOCUMENT_COLUMNS = [
  'id',
  'title',
  'path',
  'platform',
  'category',
  'media_type',
  'format',
  'size_bytes',
  'chunk_count',
  'url',
  'version',
  'content_hash',
  'imported_at',
  'modified_at',
  'integration_id',
  'details',
];

export const toSummary = (row: DocumentRow): DocumentSummary => ({
  id: row.id,
  title: row.title,
  path: row.path,
  platform: row.platform,
  category: row.category ?? undefined,
  mediaType: row.media_type,
  format: row.format,
  sizeBytes: row.size_bytes === null ? undefined : Number(row.size_bytes),
  chunkCount: row.chunk_count,
  url: row.url ?? undefined,
  version: row.version ?? undefined,
  contentHash: row.content_hash,
  importedAt: row.imported_at,
  modifiedAt: row.modified_at ?? undefined,
  integrationId: row.integration_id ?? undefined,
  details: row.details,
  state: row.state,
});

const hasOriginal = (db: Knex) =>
  db.raw('exists (select 1 from originals where originals.document_id = documents.id) as has_original');

/** A document without what may be long: its text and its chunks. */
export async function findDocumentHead(db: Knex, userId: string, id: string): Promise<DocumentHead | undefined> {
  const row = (await db('documents')
    .where({ id, user_id: userId })
    .first(...DOCUMENT_COLUMNS, hasOriginal(db), db.raw(`${DOCUMENT_STATE} as state`))) as
    (DocumentRow & { has_original: boolean }) | undefined;
  return row && { ...toSummary(row), hasOriginal: row.has_original };
}

export async function findDocument(
  db: Knex,
  userId: string,
  id: string,
): Promise<(DocumentDetail & { itemRef: string }) | undefined> {
  const row = (await db('documents')
    .where({ id, user_id: userId })
    .first(...DOCUMENT_COLUMNS, 'text', 'item_ref', hasOriginal(db), db.raw(`${DOCUMENT_STATE} as state`))) as
    (DocumentRow & { text: string; item_ref: string; has_original: boolean }) | undefined;
  if (!row) return undefined;
  const chunks = (await db('chunks')
    .where({ document_id: id })
    .select('id', 'ordinal', 'text', 'heading_path', 'page', 'token_count', 'text_hash')
    .orderBy('ordinal')) as {
    id: string;
    ordinal: number;
    text: string;
    heading_path: string[];
    page: number | null;
    token_count: number;
    text_hash: string;
  }[];
  return {
    ...toSummary(row),
    hasOriginal: row.has_original,
    text: row.text,
    itemRef: row.item_ref,
    chunks: chunks.map((chunk): DocumentChunk => ({
      id: chunk.id,
      ordinal: chunk.ordinal,
      text: chunk.text,
      headingPath: chunk.heading_path,
      page: chunk.page ?? undefined,
      tokenCount: chunk.token_count,
      textHash: chunk.text_hash,
    })),
  };
}

/** Where an item comes from; together with the user this names one document. */
export type ItemSource = { userId: string; platform: Platform; accountId: string; itemRef: string };

/** What an earlier import left of an item. */
export type StoredItem = {
  id: string;
  title: string;
  version?: string;
  contentHash: string;
  chunkCount: number;
  parentRef?: string;
};

const sourceColumns = (source: ItemSource) => ({
  user_id: source.userId,
  platform: source.platform,
  account_id: source.accountId,
  item_ref: source.itemRef,
});

export async function findStoredItem(db: Knex, source: ItemSource): Promise<StoredItem | undefined> {
  const row = (await db('documents')
    .where(sourceColumns(source))
    .first('id', 'title', 'version', 'content_hash', 'chunk_count', 'parent_ref')) as
    | (Pick<DocumentRow, 'id' | 'title' | 'version' | 'content_hash' | 'chunk_count'> & { parent_ref: string | null })
    | undefined;
  return (
    row && {
      id: row.id,
      title: row.title,
      version: row.version ?? undefined,
      contentHash: row.content_hash,
      chunkCount: row.chunk_count,
      parentRef: row.parent_ref ?? undefined,
    }
  );
}

/** The stored versions of an account's items, by item ref; items that have none, or were never imported, are absent. */
export async function findStoredVersions(
  db: Knex,
  account: Omit<ItemSource, 'itemRef'>,
  refs: string[],
): Promise<Map<string, string>> {
  if (refs.length === 0) return new Map();
  const rows = (await db('documents')
    .where({ user_id: account.userId, platform: account.platform, account_id: account.accountId })
    .whereIn('item_ref', refs)
    .whereNotNull('version')
    .select('item_ref', 'version')) as { item_ref: string; version: string }[];
  return new Map(rows.map((row) => [row.item_ref, row.version]));
}

/** What may change of a document without its content changing. */
export type DocumentMetadata = {
  integrationId: string;
  title: string;
  path: string;
  /** Absent: the present category stays. */
  category?: string;
  url?: string;
  version?: string;
  modifiedAt?: Date;
  /** Absent: the present ones stay. */
  details?: Details;
  /** A selection holds it, so that a sync looks after it. */
  followed: boolean;
  /** What a change feed will call it once it is gone. Absent: the present one stays. */
  address?: string;
  /** The followed folder it is in. Absent: the present one stays. */
  parentRef?: string;
};

const metadataColumns = (metadata: DocumentMetadata) => ({
  integration_id: metadata.integrationId,
  followed: metadata.followed,
  ...(metadata.address === undefined ? {} : { address: metadata.address }),
  ...(metadata.parentRef === undefined ? {} : { parent_ref: metadata.parentRef }),
  title: metadata.title,
  path: metadata.path,
  url: metadata.url ?? null,
  version: metadata.version ?? null,
  modified_at: metadata.modifiedAt ?? null,
  ...(metadata.category === undefined ? {} : { category: metadata.category }),
  ...(metadata.details === undefined ? {} : { details: toJson(metadata.details) }),
});

/** Postgres text holds neither NUL nor half a surrogate pair. */
const toJson = (details: Details): string =>
  JSON.stringify(details, (_name, value: unknown) =>
    typeof value === 'string' ? value.replaceAll(/[\0\p{Surrogate}]/gu, '') : value,
  );

export async function updateDocumentMetadata(db: Knex, id: string, metadata: DocumentMetadata): Promise<void> {
  await db('documents').where({ id }).update(metadataColumns(metadata));
}

export type DocumentContent = {
  mediaType: string;
  format: string;
  sizeBytes: number;
  contentHash: string;
  text: string;
  chunkCount: number;
};

/** Writes the item's document, over the one of an earlier import. Gives its id. */
export async function upsertDocument(
  db: Knex,
  source: ItemSource,
  metadata: DocumentMetadata,
  content: DocumentContent,
): Promise<string> {
  const columns = {
    ...metadataColumns(metadata),
    media_type: content.mediaType,
    format: content.format,
    size_bytes: content.sizeBytes,
    content_hash: content.contentHash,
    // Postgres text holds no NUL.
    text: content.text.replaceAll('\0', ''),
    chunk_count: content.chunkCount,
    imported_at: db.fn.now(),
  };
  const [row] = (await db('documents')
    .insert({ ...sourceColumns(source), ...columns })
    .onConflict(['user_id', 'platform', 'account_id', 'item_ref'])
    .merge(columns)
    .returning('id')) as [{ id: string }];
  return row.id;
}

export async function deleteDocument(db: Knex, userId: string, id: string): Promise<boolean> {
  return (await db('documents').where({ id, user_id: userId }).delete()) > 0;
}

export async function deleteDocuments(trx: Knex.Transaction, ids: string[]): Promise<number> {
  return trx('documents').whereIn('id', ids).delete();
}

export async function deleteIntegrationDocuments(db: Knex, integrationId: string): Promise<number> {
  return db('documents').where({ integration_id: integrationId }).delete();
}

export async function countIntegrationDocuments(db: Knex, integrationId: string): Promise<number> {
  const row = (await db('documents').where({ integration_id: integrationId }).count('* as count').first()) as {
    count: string;
  };
  return Number(row.count);
}

/**
 * Documents that stayed after an earlier disconnect of the same account belong to its new integration. They are followed again when they are
 * selected again.
 */
export async function adoptDocuments(
  db: Knex,
  integration: { id: string; userId: string; platform: Platform; accountId: string },
): Promise<void> {
  await db('documents')
    .where({ user_id: integration.userId, platform: integration.platform, account_id: integration.accountId })
    .whereNull('integration_id')
    .update({ integration_id: integration.id, followed: false });
}

export type ImportedItem = {
  documentId: string;
  path: string;
  version?: string;
  modifiedAt?: Date;
  parentRef?: string;
};

/** Which of the listed items were imported before, by item ref. */
export async function findImportedItems(
  db: Knex,
  integrationId: string,
  refs: string[],
): Promise<Map<string, ImportedItem>> {
  if (refs.length === 0) return new Map();
  const rows = (await db('documents')
    .where({ integration_id: integrationId })
    .whereIn('item_ref', refs)
    .select('item_ref', 'id', 'path', 'version', 'modified_at', 'parent_ref')) as {
    item_ref: string;
    id: string;
    path: string;
    version: string | null;
    modified_at: Date | null;
    parent_ref: string | null;
  }[];
  return new Map(
    rows.map((row) => [
      row.item_ref,
      {
        documentId: row.id,
        path: row.path,
        version: row.version ?? undefined,
        modifiedAt: row.modified_at ?? undefined,
        parentRef: row.parent_ref ?? undefined,
      },
    ]),
  );
}

/** Followed documents that a change feed knows by these addresses. */
export async function findDocumentsAtAddresses(
  db: Knex,
  integrationId: string,
  addresses: string[],
): Promise<Map<string, { documentId: string; ref: string }>> {
  if (addresses.length === 0) return new Map();
  const rows = (await db('documents')
    .where({ integration_id: integrationId, followed: true })
    .whereIn('address', addresses)
    .select('id', 'item_ref', 'address')) as { id: string; item_ref: string; address: string }[];
  return new Map(rows.map((row) => [row.address, { documentId: row.id, ref: row.item_ref }]));
}
