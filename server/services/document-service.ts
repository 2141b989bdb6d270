import type { Platform } from '../../providers/provider.ts';
import type { User } from './user-service.ts';

export type DocumentSummary = {
  id: string;
  title: string;
  path: string;
  platform: Platform;
  category?: string;
  mediaType: string;
  /** txt, md, html, csv, json, pdf, docx, xlsx, pptx */
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
};

export type DocumentChunk = {
  id: string;
  ordinal: number;
  text: string;
  headingPath: string[];
  page?: number;
  tokenCount: number;
};

export type DocumentDetail = DocumentSummary & {
  text: string;
  chunks: DocumentChunk[];
};

export type DocumentService = {
  list(
    user: User,
    options?: {
      platform?: Platform;
      category?: string;
      integrationId?: string;
      q?: string;
      cursor?: string;
    },
  ): Promise<{
    documents: DocumentSummary[];
    total: number;
    nextCursor?: string;
  }>;
  categories(user: User): Promise<string[]>;
  /** Errors: NotFoundError. */
  get(user: User, id: string): Promise<DocumentDetail>;
  /** Errors: NotFoundError. */
  delete(user: User, id: string): Promise<void>;
  /** Imports the item again. Errors: NotFoundError; ConflictError `disconnected`. */
  sync(user: User, id: string): Promise<{ importId: string }>;
};
