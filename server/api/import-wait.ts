import type { z } from 'zod';
import type { Platform } from '../../providers/provider.ts';
import type { Context } from '../context.ts';
import type { ImportItem, ImportSummary } from '../services/import-service.ts';
import type { User } from '../services/user-service.ts';
import { watch } from '../signals/signals.ts';
import type { importDoneAnswer } from './schemas.ts';

type Services = Pick<Context, 'imports' | 'documents'>;

/** The summary once the last item has its final state; undefined when `seconds` pass or the signal fires before that. */
export async function waitForImport(
  { imports, signals }: Pick<Context, 'imports' | 'signals'>,
  user: User,
  importId: string,
  seconds: number,
  signal: AbortSignal,
): Promise<ImportSummary | undefined> {
  const deadline = Date.now() + seconds * 1000;
  let since: string | undefined;
  const ended = watch(signals, 'import-ended', importId);
  try {
    for (;;) {
      const { changedItems, ...summary } = await imports.changes(user, importId, since);
      since = changedItems.at(-1)?.changed ?? since;
      if (summary.finishedAt) return summary;
      const left = deadline - Date.now();
      if (left <= 0) return undefined;
      await ended.next(signal, Math.min(signals.patienceMs(), left));
      if (signal.aborted) return undefined;
    }
  } finally {
    ended.close();
  }
}

/**
 * The answer to a call that waited until its import was done: every document it made or found unchanged. `platforms` are those
 * of the selected integrations, as far as they are known.
 */
export async function toImportDone(
  services: Services,
  user: User,
  summary: ImportSummary,
  platforms: Platform[],
): Promise<z.output<typeof importDoneAnswer>> {
  const documents: z.output<typeof importDoneAnswer>['documents'] = [];
  const seen = new Set<string>();
  for (const state of ['indexed', 'unchanged'] as const) {
    for await (const item of itemsOf(services, user, summary.id, state)) {
      if (!item.documentId || seen.has(item.documentId)) continue;
      seen.add(item.documentId);
      documents.push({
        id: item.documentId,
        title: item.name,
        source_type: await platformOf(services, user, item.documentId, platforms),
        chunk_count: item.chunkCount ?? 0,
      });
    }
  }
  return {
    success: summary.status === 'finished' && summary.counts.failed === 0,
    message: importSentence(summary),
    importId: summary.id,
    documents,
  };
}

async function* itemsOf(
  { imports }: Services,
  user: User,
  importId: string,
  state: ImportItem['state'],
): AsyncGenerator<ImportItem> {
  let cursor: string | undefined;
  do {
    const page = await imports.get(user, importId, { state, cursor });
    yield* page.items;
    cursor = page.nextCursor;
  } while (cursor);
}

/** The ledger does not hold the platform; the document is asked only where a selection spans several. */
async function platformOf(
  { documents }: Services,
  user: User,
  documentId: string,
  platforms: Platform[],
): Promise<Platform> {
  const [only, ...others] = new Set(platforms);
  return only && others.length === 0 ? only : (await documents.head(user, documentId)).platform;
}

/** How an import stands, or what became of it, in one sentence. */
export function importSentence({ kind, status, counts }: Pick<ImportSummary, 'kind' | 'status' | 'counts'>): string {
  const parts = (['indexed', 'unchanged', 'skipped', 'failed', 'removed'] as const)
    .filter((state) => counts[state] > 0)
    .map((state) => `${counts[state]} ${state}`);
  const open = counts.waiting + counts.running;
  if (status === 'running') parts.push(`${open} to go`);
  const outcome = parts.length > 0 ? parts.join(', ') : 'no files';
  return `The ${kind} ${STANDS[status]}: ${outcome}.`;
}

const STANDS: Record<ImportSummary['status'], string> = {
  running: 'is under way',
  finished: 'is finished',
  failed: 'failed',
  cancelled: 'was cancelled',
};
