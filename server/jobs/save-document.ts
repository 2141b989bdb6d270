import type { OpenedFile } from '../../providers/provider.ts';
import type { PreparedDocument } from '../pipeline/pipeline.ts';
import type { OriginalDraft } from '../services/original-service.ts';
import {
  updateDocumentMetadata,
  upsertDocument,
  type DocumentMetadata,
  type StoredItem,
} from '../stores/document-store.ts';
import { holdActiveIntegration } from '../stores/integration-store.ts';
import type { Work } from './import-item.ts';
import { settle } from './ledger.ts';

/** How a row ends whose account went away meanwhile. */
export const GONE = {
  state: 'skipped',
  reason: 'The account was disconnected before this item was imported.',
  reasonCode: 'disconnected',
} as const;

const seen = ({ version, modifiedAt }: DocumentMetadata, contentHash: string) => ({ version, modifiedAt, contentHash });

/** The content is that of the stored document; its name, place and category may have changed. */
export async function keepUnchanged(
  work: Work,
  stored: StoredItem,
  metadata: DocumentMetadata,
  fetched?: { sizeBytes: number; original: OriginalDraft },
): Promise<void> {
  await work.context.database.transaction(async (trx) => {
    if (!(await holdActiveIntegration(trx, work.integration.id))) {
      await settle(work.context.queue, trx, work.item, GONE);
      return;
    }
    await updateDocumentMetadata(trx, stored.id, metadata);
    // Passages are found by the name too.
    if (stored.title !== metadata.title) await work.context.index.rename(trx, stored.id, metadata.title);
    await fetched?.original.attach(trx, stored.id, stored.contentHash);
    await settle(work.context.queue, trx, work.item, {
      state: 'unchanged',
      documentId: stored.id,
      chunkCount: stored.chunkCount,
      sizeBytes: fetched?.sizeBytes,
      ...seen(metadata, stored.contentHash),
    });
  });
}

/** Thrown inside the transaction to undo it: the row got its final state (cancelled, say) while the file was worked on. */
class SettledMeanwhile extends Error {}

type ReadFile = {
  opened: OpenedFile;
  prepared: PreparedDocument;
  original: OriginalDraft;
  storedId: string | undefined;
};

/** Embeds the passages of a file, and saves it. */
export async function saveDocument(work: Work, file: ReadFile, metadata: DocumentMetadata): Promise<void> {
  const { embeddings, telemetry } = work.context;
  const { chunks, sizeBytes } = file.prepared;
  work.stage('embedding');
  await telemetry.stage('embed', () => embeddings.store(chunks, { signal: work.signal }));
  work.stage('saving');
  const saved = await telemetry.stage('index', () => write(work, file, metadata));
  if (!saved) return;
  const { platform } = work.source;
  telemetry.metrics.documents.inc({ platform });
  telemetry.metrics.bytes.inc({ platform }, sizeBytes);
}

/** The document, its passages, its original and its ledger row, all in one transaction or none. False when there was nothing to save any more. */
async function write(work: Work, file: ReadFile, metadata: DocumentMetadata): Promise<boolean> {
  const { context, item, source, signal } = work;
  const { opened, prepared, original, storedId } = file;
  const { database, index, embedder } = context;
  const { chunks } = prepared;
  const facts = { ...metadata, userId: source.userId, platform: source.platform, documentId: storedId };
  const ready = await index.prepare(facts, chunks, embedder.id, { signal });
  let saved = false;
  try {
    saved = await database.transaction(async (trx) => {
      if (!(await holdActiveIntegration(trx, work.integration.id))) {
        await settle(context.queue, trx, item, GONE);
        return false;
      }
      const documentId = await upsertDocument(trx, source, metadata, {
        mediaType: opened.mediaType,
        format: prepared.format,
        sizeBytes: prepared.sizeBytes,
        contentHash: prepared.contentHash,
        text: prepared.text,
        chunkCount: chunks.length,
      });
      await index.replace(trx, documentId, chunks, embedder.id, ready);
      await original.attach(trx, documentId, prepared.contentHash);
      const settled = await settle(context.queue, trx, item, {
        state: 'indexed',
        documentId,
        chunkCount: chunks.length,
        sizeBytes: prepared.sizeBytes,
        ...seen(metadata, prepared.contentHash),
      });
      if (!settled) throw new SettledMeanwhile();
      return true;
    });
  } catch (error) {
    if (!(error instanceof SettledMeanwhile)) throw error;
  } finally {
    if (!saved) await index.discard(ready);
  }
  return saved;
}
