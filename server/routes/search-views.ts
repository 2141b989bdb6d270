import type { Platform } from '../../providers/provider.ts';
import type { SEARCH_FIELDS } from '../forms/search-form.ts';
import type { TextPart } from '../highlight.ts';
import type { AnswerView } from './answer-view.ts';
import type { EmbedderView } from './embedder-view.ts';
import type { SearchMode } from '../services/search-service.ts';

/** A stretch of a document that answers the query. */
export type Passage = {
  href: string;
  headingPath: string[];
  page?: number;
  parts: TextPart[];
  /** "92% match", "similar, without these words". */
  confidence: string;
};

/** One document and its passages that answer the query, best first. */
export type ResultGroup = {
  documentId: string;
  title: TextPart[];
  path: string;
  platform: Platform;
  label: string;
  url?: string;
  passages: Passage[];
  /** Shown on demand: what is beyond the first few, or only similar to the query. */
  more: Passage[];
  /** "3 more passages"; empty when there are none. */
  moreText: string;
};

export type SearchViews = {
  /** The end of a streamed answer. */
  'search/answer': { answer: AnswerView };
  'search/index': {
    /** Whether the page is that of a question. */
    asking: boolean;
    question: string;
    answer?: AnswerView;
    query: string;
    filter: { platform: string; category: string; mode: SearchMode } & Record<(typeof SEARCH_FIELDS)[number], string>;
    /** Those of the filters that stand behind a fold. */
    foldOpen: boolean;
    accounts: { id: string; label: string }[];
    platforms: { id: string; label: string }[];
    categories: string[];
    modes: { id: SearchMode; label: string }[];
    /** Absent before the first search. */
    groups?: ResultGroup[];
    /** Why the results are by words alone. */
    notice?: string;
    /** "8 passages in 3 documents" */
    found: string;
    /** The same query without its filters, where it has some. */
    withoutFilters?: string;
    hasDocuments: boolean;
    /** For admins. */
    embedderChange?: EmbedderView;
  };
};
