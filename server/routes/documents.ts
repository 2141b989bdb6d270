import { Router } from 'express';
import { PLATFORMS } from '../../providers/provider.ts';
import type { Context } from '../context.ts';
import { NotFoundError } from '../errors.ts';
import {
  accountLabel,
  formatBytes,
  formatCount,
  formatDate,
  formatMaybeDate,
  formatMediaType,
  plural,
  platformLabel,
} from '../format.ts';
import { currentUser, param, queryValue } from '../middleware/request.ts';
import { sendOriginal } from '../middleware/send-original.ts';
import { CHUNKS_PER_PAGE, paths } from '../paths.ts';
import type { DocumentSummary } from '../services/document-service.ts';
import { flash, render } from '../views.ts';
import type { DocumentRow } from './document-views.ts';

/** Characters of the normalized text on a document's page; the API gives all of it. */
const SHOWN_TEXT = 50_000;

/** Pages of the imported documents: the list, one with its text and chunks, import again, delete. */
export function documentRoutes(context: Context): Router {
  const router = Router();
  const { documents, integrations, originals } = context;

  const toRow = (document: DocumentSummary): DocumentRow => ({
    id: document.id,
    title: document.title,
    path: document.path,
    platform: document.platform,
    label: platformLabel(context.definitions, document.platform),
    category: document.category,
    type: formatMediaType(document.mediaType, `.${document.format}`),
    size: formatBytes(document.sizeBytes),
    chunks: plural(document.chunkCount, 'chunk'),
    importedAt: formatDate(document.importedAt),
  });

  router.get('/admin/documents', async (req, res) => {
    const user = currentUser(req);
    const asked = queryValue(req, 'platform');
    const filter = {
      q: queryValue(req, 'q')?.trim() || undefined,
      platform: PLATFORMS.find((platform) => platform === asked),
      category: queryValue(req, 'category'),
      integration: queryValue(req, 'integration'),
    };
    const cursor = queryValue(req, 'cursor');
    const [page, categories, account] = await Promise.all([
      documents.list(user, {
        q: filter.q,
        platform: filter.platform,
        category: filter.category,
        integrationId: filter.integration,
        cursor,
      }),
      documents.categories(user),
      filter.integration ? integrations.get(user, filter.integration) : undefined,
    ]);
    render(res, 'documents/index', {
      title: 'Documents',
      section: 'documents',
      documents: page.documents.map(toRow),
      total: plural(page.total, 'document'),
      filtered: Object.values(filter).some((value) => value !== undefined),
      filter: {
        q: filter.q ?? '',
        platform: filter.platform ?? '',
        category: filter.category ?? '',
        integration: filter.integration ?? '',
      },
      platforms: context.definitions.map(({ id, label }) => ({ id, label })),
      categories,
      account: account && {
        label: `${platformLabel(context.definitions, account.platform)} (${accountLabel(account)})`,
        clearHref: paths.documents({ ...filter, integration: undefined }),
      },
      nextHref: page.nextCursor === undefined ? undefined : paths.documents({ ...filter, cursor: page.nextCursor }),
      firstHref: cursor === undefined ? undefined : paths.documents(filter),
    });
  });

  router.get('/admin/documents/:id', async (req, res) => {
    const found = await documents.get(currentUser(req), param(req, 'id'));
    const pages = Math.max(1, Math.ceil(found.chunks.length / CHUNKS_PER_PAGE));
    const page = Number(queryValue(req, 'page') ?? '1');
    if (!Number.isInteger(page) || page < 1 || page > pages) throw new NotFoundError('This page of the document');
    const first = (page - 1) * CHUNKS_PER_PAGE;
    const shown = found.chunks.slice(first, first + CHUNKS_PER_PAGE);
    render(res, 'documents/show', {
      title: found.title,
      section: 'documents',
      document: {
        ...toRow(found),
        url: found.url,
        mediaType: found.mediaType,
        version: found.version,
        contentHash: found.contentHash,
        modifiedAt: formatMaybeDate(found.modifiedAt),
        integrationId: found.integrationId,
        hasOriginal: found.hasOriginal,
        details: Object.entries(found.details).map(([name, value]) => ({ name, value: [value].flat().join(', ') })),
      },
      twin: found.sameAs && { title: found.sameAs.title, href: paths.document(found.sameAs.id) },
      chunks: shown.map((chunk) => ({
        ordinal: chunk.ordinal,
        number: formatCount(chunk.ordinal + 1),
        headingPath: chunk.headingPath,
        page: chunk.page,
        tokens: plural(chunk.tokenCount, 'token'),
        text: chunk.text,
      })),
      range:
        pages > 1
          ? `Chunks ${formatCount(first + 1)} to ${formatCount(first + shown.length)} of ${formatCount(found.chunks.length)}`
          : undefined,
      previousHref: page > 1 ? paths.document(found.id, { page: page - 1 }) : undefined,
      nextHref: page < pages ? paths.document(found.id, { page: page + 1 }) : undefined,
      text: found.text.slice(0, SHOWN_TEXT),
      textLength: plural(found.text.length, 'character'),
      textCut: found.text.length > SHOWN_TEXT,
    });
  });

  router.get('/admin/documents/:id/original', async (req, res) => {
    await sendOriginal(req, res, await originals.open(currentUser(req), param(req, 'id')));
  });

  router.post('/admin/documents/:id/sync', async (req, res) => {
    const { importId } = await documents.sync(currentUser(req), param(req, 'id'));
    flash(req, { kind: 'success', message: 'Importing the document again.' });
    res.redirect(303, paths.import(importId));
  });

  router.get('/admin/documents/:id/delete', async (req, res) => {
    const { id, title, chunks, label } = toRow(await documents.get(currentUser(req), param(req, 'id')));
    render(res, 'documents/delete', {
      title: `Delete ${title}`,
      section: 'documents',
      document: { id, title, chunks, label },
    });
  });

  router.post('/admin/documents/:id/delete', async (req, res) => {
    const user = currentUser(req);
    const { id, title } = await documents.get(user, param(req, 'id'));
    await documents.delete(user, id);
    flash(req, {
      kind: 'success',
      message: `“${title}” is deleted from the hub. The file at its source is untouched.`,
    });
    res.redirect(303, paths.documents());
  });

  return router;
}
