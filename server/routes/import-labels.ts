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

/** Reasons of the ledger in a few words; the sentence of each stands in its row. */
export const REASON_LABELS: Record<string, string> = {
  bad_response: 'The service answered nonsense',
  blocked: 'The request was not allowed to leave',
  cancelled: 'The import was cancelled',
  corrupt: 'Damaged',
  cursor_expired: 'The listing expired',
  denied: 'The service refuses it',
  disconnected: 'The account was disconnected',
  embedding_bad_response: 'The embedding model answered nonsense',
  embedding_misconfigured: 'A setting of the embedding model is wrong',
  embedding_rate_limited: 'The embedding model asks for a pause',
  embedding_refused: 'The embedding model refuses it',
  embedding_unavailable: 'The embedding model is away',
  encrypted: 'Protected by a password',
  filtered: 'Left out by the filters',
  gone: 'Gone at the source',
  incomplete: 'The download broke off',
  index_misconfigured: 'A setting of the index is wrong',
  index_rate_limited: 'The index asks for a pause',
  index_refused: 'The index refuses it',
  index_unavailable: 'The index is away',
  internal: 'A fault inside the hub',
  malware: 'The service suspects malware',
  misconfigured: 'A setting of the connection is wrong',
  network: 'The service could not be reached',
  no_text: 'Without text',
  not_downloadable: 'Cannot be downloaded',
  not_importable: 'Nothing to import',
  original_missing: 'The original got lost on the way',
  original_refused: 'The storage of originals refuses it',
  original_unavailable: 'The storage of originals is away',
  parser_crash: 'Could not be read',
  rate_limited: 'The service asks for a pause',
  reconnect: 'The account must be connected again',
  scope: 'A permission is missing',
  timeout: 'Took too long to read',
  too_large: 'Too large',
  transient: 'The service had a fault',
  unsupported: 'A format that is not read',
  worker_stopped: 'A process of the hub ended',
};
