import type { OpenedFile, Platform } from '../../providers/provider.ts';
import type { Database } from '../database/database.ts';
import { ConflictError, NotFoundError } from '../errors.ts';
import { isUuid } from '../ids.ts';
import { deleteOrphanEmbeddings } from '../index/postgres.ts';
import { recordAudit } from '../stores/audit-store.ts';
import { findTwins, type DocumentName } from '../stores/document-twin-store.ts';
import { toEmbeddable } from '../pipeline/stored-passage.ts';
import { listVisits, type DocumentVisit } from '../stores/document-history-store.ts';
import { countFacets, hasDocuments, listCategories, listDocuments } from '../stores/document-list-store.ts';
import { deleteDocument, findDocument, findDocumentHead } from '../stores/document-store.ts';
import type { DocumentFacets, DocumentFilter, DocumentSort, DocumentState } from './document-filter.ts';
import type { ImportService } from './import-service.ts';
import type { User } from './user-service.ts';

/** What the service says of a document beside its text, under the words people read: "Space", "Author", "Labels". */
export type Details = NonNullable<OpenedFile['details']>;

export type DocumentSummary = {
  id: string;
  title: string;
  path: string;
  platform: Platform;
  category?: string;
  mediaType: string;
  /** txt, md, html, confluence, csv, json, pdf, docx, xlsx, pptx */
  format: string;
  sizeBytes?: number;
  chunkCount: number;
  url?: string;
  version?: string;
  contentHash: string;
  importedAt: Date;
  modifiedAt?: Date;
  /** Absent once the integration was disconnected with its documents kept. */
  integrationId?: string;
  state: DocumentState;
  details: Details;
};

export type DocumentChunk = {
  id: string;
  ordinal: number;
  text: string;
  headingPath: string[];
  page?: number;
  /** Of what is embedded, prefix included. */
  tokenCount: number;
  textHash: string;
};

export type DocumentDetail = DocumentSummary & {
  /** The bytes that were imported are kept. */
  hasOriginal: boolean;
  text: string;
  chunks: DocumentChunk[];
  /** The oldest other document of the user that has the same bytes. */
  sameAs?: DocumentName;
};

export type DocumentHead = Omit<DocumentDetail, 'text' | 'chunks'>;

export type DocumentService = {
  list(
    user: User,
    options?: DocumentFilter & { sort?: DocumentSort; cursor?: string },
  ): Promise<{ documents: DocumentSummary[]; nextCursor?: string }>;
  /** What the list can be narrowed by, with counts. */
  facets(user: User, filter?: DocumentFilter): Promise<DocumentFacets>;
  any(user: User): Promise<boolean>;
  categories(user: User): Promise<string[]>;
  /** Errors: NotFoundError. */
  get(user: User, id: string): Promise<DocumentDetail>;
  /** The same without reading text and chunks: enough to tell whether they are others by now. Errors: NotFoundError. */
  head(user: User, id: string): Promise<DocumentHead>;
  /** What is embedded of each of a document's chunks: with the prefix that says where it stands. */
  asEmbedded(document: Pick<DocumentDetail, 'title'>, chunks: DocumentChunk[]): string[];
  /** The last imports and syncs that met the document, newest first. Errors: NotFoundError. */
  history(user: User, id: string): Promise<DocumentVisit[]>;
  /** Errors: NotFoundError. */
  delete(user: User, id: string): Promise<void>;
  /** Imports the item again. Errors: NotFoundError; ConflictError `disconnected`. */
  sync(user: User, id: string): Promise<{ importId: string }>;
};

/** So many of a document's imports and syncs are told. */
const VISITS = 50;

export function createDocumentService(deps: { database: Database; imports: ImportService }): DocumentService {
  const { database, imports } = deps;

  async function find(user: User, id: string) {
    const document = isUuid(id) ? await findDocument(database.current(), user.id, id) : undefined;
    if (!document) throw new NotFoundError('The document');
    return document;
  }

  return {
    list: (user, options = {}) => listDocuments(database.current(), user.id, options, options.cursor),

    facets: (user, filter = {}) => countFacets(database.current(), user.id, filter),

    any: (user) => hasDocuments(database.current(), user.id),

    categories: (user) => listCategories(database.current(), user.id),

    async get(user, id) {
      const { itemRef: _, ...document } = await find(user, id);
      return { ...document, sameAs: (await findTwins(database.current(), [id])).get(id) };
    },

    async head(user, id) {
      const head = isUuid(id) ? await findDocumentHead(database.current(), user.id, id) : undefined;
      if (!head) throw new NotFoundError('The document');
      return { ...head, sameAs: (await findTwins(database.current(), [id])).get(id) };
    },

    asEmbedded: ({ title }, chunks) => chunks.map((chunk) => toEmbeddable({ ...chunk, title }).embedText),

    history: async (user, id) => listVisits(database.current(), user.id, await find(user, id), VISITS),

    async delete(user, id) {
      if (!isUuid(id)) throw new NotFoundError('The document');
      await database.transaction(async (trx) => {
        if (!(await deleteDocument(trx, user.id, id))) throw new NotFoundError('The document');
        await recordAudit(trx, { action: 'document_deleted', actor: user, subject: { kind: 'document', id } });
      });
      // By itself, because it holds imports back for a moment; what a crash leaves here is swept up by the next deletion.
      await database.transaction(deleteOrphanEmbeddings);
    },

    async sync(user, id) {
      const document = await find(user, id);
      if (!document.integrationId)
        throw new ConflictError(
          'disconnected',
          'The account this document came from is disconnected. Connect it again to import the document anew.',
        );
      const created = await imports.create(user, {
        items: [{ integrationId: document.integrationId, ref: document.itemRef }],
        category: document.category,
        follow: false,
      });
      return { importId: created.id };
    },
  };
}
