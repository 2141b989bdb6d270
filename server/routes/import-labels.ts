import type { ImportStatus, ItemState } from '../services/import-service.ts';
import type { ImportStage } from '../services/import-progress.ts';

export const STATE_LABELS: Record<ItemState, string> = {
  waiting: 'Waiting',
  running: 'Running',
  indexed: 'Indexed',
  unchanged: 'Unchanged',
  skipped: 'Skipped',
  failed: 'Failed',
  removed: 'Removed',
};

export const STATUS_LABELS: Record<ImportStatus, string> = {
  running: 'Running',
  finished: 'Finished',
  cancelled: 'Cancelled',
  failed: 'Failed',
};

export const STAGE_LABELS: Record<ImportStage, string> = {
  listing: 'Listing',
  downloading: 'Downloading',
  reading: 'Reading',
  embedding: 'Embedding',
  saving: 'Saving',
};
