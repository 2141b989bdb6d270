import type { Moment } from '../format.ts';
import type { ImportStatus, ItemState } from '../services/import-service.ts';

export type ImportRow = {
  id: string;
  name: string;
  path: string;
  state: ItemState;
  stateLabel: string;
  reason?: string;
  size: string;
  /** "12"; empty while there are none. */
  chunks: string;
  documentHref?: string;
};

/** An import in a few words and figures. */
export type ImportOverview = {
  id: string;
  status: ImportStatus;
  statusLabel: string;
  category?: string;
  /** "Sub-pages, attachments and comments are included."; empty when nothing was chosen. */
  scopeText: string;
  startedAt: Moment;
  finishedAt?: Moment;
  total: number;
  done: number;
  /** "120 of 300 items done" */
  progressText: string;
  /** "3 folders are still being listed, so the total grows."; empty when none is. */
  foldersText: string;
  running: boolean;
};

export type ImportViews = {
  'imports/index': {
    imports: (ImportOverview & { outcome: { state: ItemState; text: string }[] })[];
    nextHref?: string;
  };
  'imports/show': {
    overview: ImportOverview;
    /** All first, then each state that has its own filter. */
    filters: { state: ItemState | 'total'; label: string; count: string; href: string; current: boolean }[];
    rows: ImportRow[];
    /** Whether new items belong at the end of the rows shown. */
    lastPage: boolean;
    filter?: ItemState;
    filterLabel?: string;
    nextHref?: string;
    firstHref?: string;
    /** "2 failed items"; absent when there is nothing to retry. */
    retryable?: string;
    /** For app.js: labels of the states. */
    stateLabels: Record<ItemState, string>;
  };
  'imports/cancel': { overview: ImportOverview; waiting: string };
};
