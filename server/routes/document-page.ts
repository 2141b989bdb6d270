import type { Request, Response } from 'express';
import type { Context } from '../context.ts';
import { NotFoundError } from '../errors.ts';
import {
  formatBytes,
  formatCount,
  formatDate,
  formatMaybeDate,
  formatMediaType,
  plural,
  platformLabel,
} from '../format.ts';
import { currentUser, param, queryValue } from '../middleware/request.ts';
import { CHUNKS_PER_PAGE, paths } from '../paths.ts';
import type { DocumentSummary } from '../services/document-service.ts';
import { render } from '../views.ts';
import { outlineOf, type OutlineEntry } from './document-outline.ts';
import type { DocumentRow, OutlineLink } from './document-views.ts';
import { STATE_LABELS } from './import-labels.ts';

/** Characters of the normalized text on a document's page; the API gives all of it. */
const SHOWN_TEXT = 50_000;
const HEADINGS = 200;
/** More headings than this are folded away. */
const SHORT_OUTLINE = 12;
const KINDS = { import: 'Import', sync: 'Sync' };

/** A document in a few words and figures. */
export const toDocumentRow = ({ definitions }: Context, document: DocumentSummary): DocumentRow => ({
  id: document.id,
  title: document.title,
  path: document.path,
  platform: document.platform,
  label: platformLabel(definitions, document.platform),
  category: document.category,
  type: formatMediaType(document.mediaType, `.${document.format}`),
  size: formatBytes(document.sizeBytes),
  chunks: plural(document.chunkCount, 'chunk'),
  modifiedAt: formatMaybeDate(document.modifiedAt),
  importedAt: formatDate(document.importedAt),
});

const countOf = (entries: OutlineEntry[]): number => entries.reduce((sum, { below }) => sum + 1 + countOf(below), 0);

/** Answers with the page of one document: its chunks as they were read or as they are embedded, or its history. Errors: NotFoundError. */
export async function showDocument(context: Context, req: Request, res: Response): Promise<void> {
  const { documents } = context;
  const user = currentUser(req);
  const found = await documents.get(user, param(req, 'id'));
  const { id } = found;
  const pages = Math.max(1, Math.ceil(found.chunks.length / CHUNKS_PER_PAGE));
  const page = Number(queryValue(req, 'page') ?? '1');
  if (!Number.isInteger(page) || page < 1 || page > pages) throw new NotFoundError('This page of the document');
  const view = (['embedded', 'history'] as const).find((known) => known === queryValue(req, 'view'));
  const embedded = view === 'embedded' ? view : undefined;
  const first = (page - 1) * CHUNKS_PER_PAGE;
  const shown = view === 'history' ? [] : found.chunks.slice(first, first + CHUNKS_PER_PAGE);
  const texts = embedded ? documents.asEmbedded(found, shown) : shown.map(({ text }) => text);
  const outline = outlineOf(view === 'history' ? [] : found.chunks, HEADINGS);
  const toLink = ({ text, ordinal, below }: OutlineEntry): OutlineLink => ({
    text,
    href: paths.documentChunk(id, ordinal, embedded),
    below: below.map(toLink),
  });
  const headings = countOf(outline.entries);
  const visits = view === 'history' ? await documents.history(user, id) : undefined;
  render(res, 'documents/show', {
    title: found.title,
    section: 'documents',
    document: {
      ...toDocumentRow(context, found),
      url: found.url,
      mediaType: found.mediaType,
      version: found.version,
      contentHash: found.contentHash,
      integrationId: found.integrationId,
      hasOriginal: found.hasOriginal,
      details: Object.entries(found.details).map(([name, value]) => ({ name, value: [value].flat().join(', ') })),
    },
    twin: found.sameAs && { title: found.sameAs.title, href: paths.document(found.sameAs.id) },
    tabs: [
      { label: 'Chunks', href: paths.document(id), current: view === undefined },
      { label: 'As embedded', href: paths.document(id, { view: 'embedded' }), current: view === 'embedded' },
      { label: 'History', href: paths.document(id, { view: 'history' }), current: view === 'history' },
    ],
    view,
    outline:
      headings > 1
        ? { entries: outline.entries.map(toLink), open: headings <= SHORT_OUTLINE, cut: outline.cut }
        : undefined,
    visits: visits?.map((visit) => ({
      at: formatMaybeDate(visit.settledAt),
      kind: KINDS[visit.kind],
      href: paths.import(visit.importId),
      state: visit.state,
      stateLabel: STATE_LABELS[visit.state],
      reason: visit.reason,
      version: visit.version,
      modifiedAt: formatMaybeDate(visit.modifiedAt),
      hash: visit.contentHash?.slice(0, 12),
    })),
    chunks: shown.map((chunk, at) => ({
      ordinal: chunk.ordinal,
      number: formatCount(chunk.ordinal + 1),
      headingPath: chunk.headingPath,
      page: chunk.page,
      tokens: plural(chunk.tokenCount, 'token'),
      text: texts[at] ?? '',
    })),
    range:
      pages > 1
        ? `Chunks ${formatCount(first + 1)} to ${formatCount(first + shown.length)} of ${formatCount(found.chunks.length)}`
        : undefined,
    previousHref: page > 1 ? paths.document(id, { view: embedded, page: page - 1 }) : undefined,
    nextHref: page < pages ? paths.document(id, { view: embedded, page: page + 1 }) : undefined,
    text: found.text.slice(0, SHOWN_TEXT),
    textLength: plural(found.text.length, 'character'),
    textCut: found.text.length > SHOWN_TEXT,
  });
}
