import { Router } from 'express';
import type { Context } from '../context.ts';
import { plural } from '../format.ts';
import { documentFilterForm, toFilter } from '../forms/document-forms.ts';
import { currentUser, param, queryValue } from '../middleware/request.ts';
import { sendOriginal } from '../middleware/send-original.ts';
import { paths } from '../paths.ts';
import type { DocumentSummary } from '../services/document-service.ts';
import { flash, render } from '../views.ts';
import { showDocument, toDocumentRow } from './document-page.ts';
import { STATE_LABELS, toFacets, toSortLinks } from './document-list-page.ts';
import type { DocumentRow } from './document-views.ts';

/** Pages of the imported documents: the list, one with its text and chunks, import again, delete. */
export function documentRoutes(context: Context): Router {
  const router = Router();
  const { documents, integrations, originals } = context;

  const toRow = (document: DocumentSummary): DocumentRow => toDocumentRow(context, document);

  router.get('/admin/documents', async (req, res) => {
    const user = currentUser(req);
    const values = documentFilterForm.parse(req.query);
    const filter = toFilter(values);
    const cursor = queryValue(req, 'cursor');
    // An account of somebody else is not found, as everywhere.
    if (values.integration) await integrations.get(user, values.integration);
    const [page, facets, accounts] = await Promise.all([
      documents.list(user, { ...filter, sort: values.sort, cursor }),
      documents.facets(user, filter),
      integrations.list(user),
    ]);
    const { sort: _, ...filters } = values;
    render(res, 'documents/index', {
      title: 'Documents',
      section: 'documents',
      documents: page.documents.map((document) => ({
        ...toRow(document),
        stateLabel: STATE_LABELS[document.state],
      })),
      total: plural(facets.total, 'document'),
      filtered: Object.values(filters).some((value) => value !== undefined),
      values: Object.fromEntries(Object.entries(values).flatMap(([name, value]) => (value ? [[name, value]] : []))),
      facets: toFacets(context, accounts, values, facets),
      sorts: toSortLinks(values),
      nextHref: page.nextCursor === undefined ? undefined : paths.documents({ ...values, cursor: page.nextCursor }),
      firstHref: cursor === undefined ? undefined : paths.documents(values),
    });
  });

  router.get('/admin/documents/:id', (req, res) => showDocument(context, req, res));

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
