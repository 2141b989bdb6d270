import { Router } from 'express';
import type { Context } from '../context.ts';
import { currentUser, param } from '../middleware/request.ts';
import { sendOriginal } from '../middleware/send-original.ts';
import { toDocument, toDocumentDetail, toSearch } from './answers.ts';
import { importPath } from './imports.ts';
import { bodyOf, queryOf, withoutNulls } from './input.ts';
import * as schemas from './schemas.ts';

/** Imported documents, and search in them. */
export function documentRoutes({ documents, originals, search }: Context): Router {
  const router = Router();

  router.get('/documents', async (req, res) => {
    const page = await documents.list(currentUser(req), queryOf(req, schemas.documentsQuery));
    res.json({ documents: page.documents.map(toDocument), nextCursor: page.nextCursor });
  });

  router.get('/documents/:id', async (req, res) => {
    res.json(toDocumentDetail(await documents.get(currentUser(req), param(req, 'id'))));
  });

  router.get('/documents/:id/original', async (req, res) => {
    await sendOriginal(req, res, await originals.open(currentUser(req), param(req, 'id')));
  });

  router.delete('/documents/:id', async (req, res) => {
    await documents.delete(currentUser(req), param(req, 'id'));
    res.status(204).end();
  });

  router.post('/documents/:id/sync', async (req, res) => {
    const { importId } = await documents.sync(currentUser(req), param(req, 'id'));
    res.status(202).location(importPath(req, importId)).json({ importId });
  });

  router.post('/search', async (req, res) => {
    let notice: string | undefined;
    const results = await search.search(currentUser(req), {
      ...withoutNulls(bodyOf(req, schemas.searchRequest)),
      onWordsOnly: (sentence) => (notice = sentence),
    });
    res.json(toSearch(results, notice));
  });

  return router;
}
