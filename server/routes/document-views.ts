import type { Platform } from '../../providers/provider.ts';
import type { Moment } from '../format.ts';

export type DocumentRow = {
  id: string;
  title: string;
  path: string;
  platform: Platform;
  label: string;
  category?: string;
  /** "PDF" */
  type: string;
  size: string;
  chunks: string;
  importedAt: Moment;
};

export type ChunkRow = {
  ordinal: number;
  /** Starts at 1, for people. */
  number: string;
  headingPath: string[];
  page?: number;
  tokens: string;
  text: string;
};

export type DocumentViews = {
  'documents/index': {
    documents: DocumentRow[];
    /** "1,234 documents" */
    total: string;
    filtered: boolean;
    filter: { q: string; platform: string; category: string; integration: string };
    platforms: { id: string; label: string }[];
    categories: string[];
    /** The account whose documents are shown, with the link that shows all. */
    account?: { label: string; clearHref: string };
    nextHref?: string;
    firstHref?: string;
  };
  'documents/show': {
    document: DocumentRow & {
      url?: string;
      mediaType: string;
      version?: string;
      contentHash: string;
      modifiedAt?: Moment;
      integrationId?: string;
      hasOriginal: boolean;
      /** What the service says of it; lists are joined already. */
      details: { name: string; value: string }[];
    };
    /** The oldest other document with the same bytes. */
    twin?: { title: string; href: string };
    chunks: ChunkRow[];
    /** "Chunks 201 to 400 of 1,234"; absent when all are shown. */
    range?: string;
    previousHref?: string;
    nextHref?: string;
    /** The beginning of the normalized text. */
    text: string;
    /** "12,345 characters" */
    textLength: string;
    textCut: boolean;
  };
  'documents/delete': { document: { id: string; title: string; chunks: string; label: string } };
};
