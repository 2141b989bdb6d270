import { ProviderError, type ProviderErrorKind } from '../../providers/errors.ts';
import { EgressError } from '../egress/egress.ts';
import { IndexError, type IndexErrorKind } from '../index/index-error.ts';
import type { ModelErrorKind } from '../openai/model-error.ts';
import { OriginalError, type OriginalProblem } from '../originals/originals.ts';
import { EmbeddingError } from '../pipeline/embed/embedder.ts';
import { ContentError, type ContentProblemCode } from '../pipeline/normalized.ts';
import type { ItemState } from '../services/import-service.ts';

/** What becomes of a ledger row after a failure: tried again soon, or when the vendor allows it, or a state with a reason. */
export type FailureOutcome =
  | { kind: 'retry'; reason: string; code: string }
  | { kind: 'wait'; reason: string; code: string; until: Date }
  | { kind: 'final'; state: Extract<ItemState, 'skipped' | 'failed'>; reason: string; code: string };

/** `skipped` is a property of the item that no repetition changes; `failed` deserves another look; `retry` is tried again first. */
const PROVIDER_OUTCOMES: Record<ProviderErrorKind, 'retry' | 'skipped' | 'failed'> = {
  reconnect: 'failed',
  scope: 'failed',
  misconfigured: 'failed',
  rate_limited: 'retry',
  transient: 'retry',
  bad_response: 'retry',
  gone: 'failed',
  cursor_expired: 'failed',
  denied: 'skipped',
  not_downloadable: 'skipped',
  malware: 'skipped',
  too_large: 'skipped',
};

const CONTENT_OUTCOMES: Record<ContentProblemCode, 'retry' | 'skipped' | 'failed'> = {
  unsupported: 'skipped',
  encrypted: 'skipped',
  no_text: 'skipped',
  too_large: 'skipped',
  corrupt: 'failed',
  incomplete: 'retry',
  timeout: 'failed',
  parser_crash: 'failed',
};

const EMBEDDING_OUTCOMES: Record<`embedding_${ModelErrorKind}`, 'retry' | 'failed'> = {
  embedding_refused: 'failed',
  embedding_rate_limited: 'retry',
  embedding_unavailable: 'retry',
  embedding_misconfigured: 'failed',
  embedding_bad_response: 'retry',
};

/** What failed is not half there: a document with its original, or as it was before. */
const NOTHING_SAVED = 'Nothing of this file was saved. Tell the administrator, then try it again.';

const ORIGINAL_OUTCOMES: Record<`original_${OriginalProblem}`, 'retry' | 'failed'> = {
  original_refused: 'failed',
  original_unavailable: 'retry',
  original_missing: 'retry',
};

const INDEX_OUTCOMES: Record<`index_${IndexErrorKind}`, 'retry' | 'failed'> = {
  index_refused: 'failed',
  index_rate_limited: 'retry',
  index_unavailable: 'retry',
  index_misconfigured: 'failed',
};

/** The one table from an error to a ledger row. Undefined for errors that are ours: those belong in the log. */
export function outcomeOf(error: unknown): FailureOutcome | undefined {
  if (error instanceof ContentError) return byTable(CONTENT_OUTCOMES[error.code], error.message, error.code);
  if (error instanceof EgressError)
    return error.code === 'blocked'
      ? { kind: 'final', state: 'failed', reason: error.message, code: 'blocked' }
      : { kind: 'retry', reason: error.message, code: 'network' };
  if (error instanceof EmbeddingError) {
    const code = `embedding_${error.kind}` as const;
    const { message: reason, retryAt } = error;
    return retryAt ? { kind: 'wait', reason, code, until: retryAt } : byTable(EMBEDDING_OUTCOMES[code], reason, code);
  }
  if (error instanceof OriginalError) {
    const code = `original_${error.kind}` as const;
    return byTable(ORIGINAL_OUTCOMES[code], `${error.message} ${NOTHING_SAVED}`, code);
  }
  if (error instanceof IndexError) {
    const code = `index_${error.kind}` as const;
    const { message: reason, retryAt } = error;
    return retryAt ? { kind: 'wait', reason, code, until: retryAt } : byTable(INDEX_OUTCOMES[code], reason, code);
  }
  if (!(error instanceof ProviderError)) return undefined;
  if (error.kind === 'rate_limited' && error.retryAt)
    return { kind: 'wait', reason: error.message, code: error.kind, until: error.retryAt };
  return byTable(PROVIDER_OUTCOMES[error.kind], error.message, error.kind);
}

const byTable = (outcome: 'retry' | 'skipped' | 'failed', reason: string, code: string): FailureOutcome =>
  outcome === 'retry' ? { kind: 'retry', reason, code } : { kind: 'final', state: outcome, reason, code };
