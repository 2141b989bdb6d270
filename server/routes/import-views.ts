import type { Moment } from '../format.ts';
import type { ImportKind, ImportStatus, ItemState } from '../services/import-service.ts';

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
  kind: ImportKind;
  /** "Import: policies", "Sync of ada@example.com". */
  title: string;
  status: ImportStatus;
  /** Chooses the colour of the status. */
  badge: ImportStatus | 'held';
  statusLabel: string;
  /** "Sub-pages, attachments and comments are included."; empty when nothing was chosen. */
  scopeText: string;
  startedAt: Moment;
  finishedAt?: Moment;
  total: number;
  done: number;
  /** "120 of 300 items done"; of a sync without items in words. */
  progressText: string;
  /** "3 folders are still being listed, so the total grows."; empty when none is. */
  foldersText: string;
  running: boolean;
};

export type ImportFilter = {
  state: ItemState | 'total';
  label: string;
  count: string;
  href: string;
  current: boolean;
};

export type ImportViews = {
  'imports/index': {
    imports: (ImportOverview & { outcome: { state: ItemState; text: string }[] })[];
    nextHref?: string;
  };
  'imports/show': {
    overview: ImportOverview;
    /** The account of a sync; absent once it is disconnected. */
    account?: { service: string; href: string };
    /** Of a sync that found nothing: when the one before it began. */
    unchangedSince?: Moment;
    /** Why a sync failed as a whole. */
    problem?: string;
    /** What a held sync asks. */
    removals?: { question: string; named: string; paths: string[] };
    /** All first, then each state that has its own filter. */
    filters: ImportFilter[];
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
