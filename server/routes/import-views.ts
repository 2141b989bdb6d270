import type { Moment } from '../format.ts';
import type { ImportStage } from '../services/import-progress.ts';
import type { ImportKind, ImportStatus, ItemState } from '../services/import-service.ts';
import type { ChartView } from './chart-view.ts';

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
  /** The oldest other document with the same bytes. */
  twin?: { title: string; href: string };
  retryable: boolean;
};

/** How an import goes, or went. */
export type ProgressView = {
  /** The bar, in thousandths of its length. */
  bar: { state: ItemState; from: number; length: number }[];
  /** "12 listed = 9 indexed + 3 skipped"; empty while there is nothing. */
  sumText: string;
  /** "42 items a minute, 1.2 MB a second. About 3 minutes left."; empty while nothing tells it. */
  paceText: string;
  /** "3 downloading, 2 reading"; empty while nothing is in work. */
  stagesText: string;
  current: { name: string; stage: string }[];
  /** A service that asks for a pause. */
  throttle?: { service: string; until: Moment };
};

/** Drawings beside an import. */
export type ChartsView = {
  /** Items that ended, over the time it has run. */
  pace?: ChartView;
  /** Why items were left out or failed; lengths in thousandths. */
  reasons: { label: string; state: ItemState; items: string; length: number; href: string }[];
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

/** An import in a list: also how many items came to what. */
export type ListedImport = ImportOverview & { outcome: { state: ItemState; text: string }[] };

export type ImportFilter = {
  state: ItemState | 'total';
  label: string;
  count: string;
  href: string;
  current: boolean;
};

export type ImportViews = {
  'imports/index': {
    imports: ListedImport[];
    nextHref?: string;
  };
  'imports/show': {
    overview: ImportOverview;
    progress: ProgressView;
    charts: ChartsView;
    eventsHref: string;
    ledgerHref: string;
    /** What is searched for in the ledger. */
    q?: string;
    /** Why nothing new came of it. */
    outcome?: string;
    /** The rows do not add up to what was listed. */
    mismatch?: string;
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
    stageLabels: Record<ImportStage, string>;
  };
  'imports/cancel': { overview: ImportOverview; waiting: string };
};
