import type { Platform } from '../../providers/provider.ts';
import type { Moment } from '../format.ts';
import type { ItemState } from '../services/import-service.ts';

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
  /** How it is looked after: "Kept up to date". */
  stateLabel?: string;
  /** When its source changed it. */
  modifiedAt?: Moment;
  importedAt: Moment;
};

/** A way to narrow the list down; each value's link changes that filter alone. */
export type Facet = { title: string; values: { label: string; count: string; chosen: boolean; href: string }[] };

export type SortLink = { href: string; order?: 'ascending' | 'descending' };
export type SortLinks = { title: SortLink; changed: SortLink; imported: SortLink };

/** A heading with the chunk that it begins with. */
export type OutlineLink = { text: string; href: string; below: OutlineLink[] };

/** An import or sync that met the document. */
export type VisitRow = {
  /** Absent while it waits. */
  at?: Moment;
  /** "Import" */
  kind: string;
  href: string;
  state: ItemState;
  stateLabel: string;
  reason?: string;
  version?: string;
  modifiedAt?: Moment;
  /** The beginning of the content's hash. */
  hash?: string;
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
    /** The filters and the sort, for the forms. */
    values: Record<string, string>;
    facets: Facet[];
    sorts: SortLinks;
    nextHref?: string;
    firstHref?: string;
  };
  /** Asks before something is done to many documents. */
  'documents/change': {
    action: 'sync' | 'category' | 'delete';
    /** "12 documents" */
    documents: string;
    /** "340 chunks" */
    chunks: string;
    /** "3 documents" that syncs look after. */
    followed?: string;
    /** "10 documents" that can be imported again; absent when none can. */
    importable?: string;
    /** In how many imports that is. */
    imports: number;
    /** What is left out, and why. */
    refused: { count: string; reason: string }[];
    categories: string[];
    /** The choice, to be sent again with the answer; names may repeat. */
    fields: { name: string; value: string }[];
    backHref: string;
  };
  'documents/show': {
    document: DocumentRow & {
      url?: string;
      mediaType: string;
      version?: string;
      contentHash: string;
      integrationId?: string;
      hasOriginal: boolean;
      /** What the service says of it; lists are joined already. */
      details: { name: string; value: string }[];
    };
    /** The oldest other document with the same bytes. */
    twin?: { title: string; href: string };
    tabs: { label: string; href: string; current: boolean }[];
    /** How the chunks are shown, where not as they were read. */
    view?: 'embedded' | 'history';
    /** Absent where there is nothing to jump between. */
    outline?: { entries: OutlineLink[]; open: boolean; cut: boolean };
    /** Of the history alone. */
    visits?: VisitRow[];
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
