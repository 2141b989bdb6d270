import type { Context } from '../context.ts';
import { sendOriginal } from '../middleware/send-original.ts';
import { toDocument, toDocumentDetail, toSearch } from './answers.ts';
import { createApiRouter, type ApiRouter } from './call.ts';
import { importPath } from './imports.ts';
import { withoutNulls } from './input.ts';
import * as schemas from './schemas.ts';

/** Imported documents, and search in them. */
export function documentRoutes({ documents, originals, search }: Context): ApiRouter {
  const api = createApiRouter();
  const group = 'Documents';

  api.get(
    '/documents',
    {
      group,
      name: 'listDocuments',
      about: 'List documents',
      notes: 'The newest first. `q` is looked for in titles and paths.',
      query: schemas.documentsQuery,
      answers: { 200: schemas.documentsAnswer },
    },
    async ({ user, query }) => {
      const page = await documents.list(user, query);
      return { documents: page.documents.map(toDocument), nextCursor: page.nextCursor };
    },
  );

  api.get(
    '/documents/:id',
    {
      group,
      name: 'getDocument',
      about: 'Get a document with its text and chunks',
      answers: { 200: schemas.documentDetailAnswer },
    },
    async ({ user, param }) => toDocumentDetail(await documents.get(user, param('id'))),
  );

  api.get(
    '/documents/:id/original',
    {
      group,
      name: 'downloadOriginal',
      about: 'Download the bytes that were imported',
      notes: 'Where the hub keeps originals (`KEEP_ORIGINALS`) and this document has one.',
      answers: { 200: { about: 'The file as it was imported', mediaType: 'application/octet-stream' } },
    },
    async ({ req, res, user, param }) => sendOriginal(req, res, await originals.open(user, param('id'))),
  );

  api.delete(
    '/documents/:id',
    {
      group,
      name: 'deleteDocument',
      about: 'Delete a document from the hub',
      notes: 'It stays at the service it came from, and a later sync does not bring it back.',
      answers: { 204: { about: 'It is deleted' } },
    },
    async ({ user, param }) => documents.delete(user, param('id')),
  );

  api.post(
    '/documents/:id/sync',
    { group, name: 'syncDocument', about: 'Import a document anew', answers: { 202: schemas.syncAnswer } },
    async ({ req, res, user, param }) => {
      const { importId } = await documents.sync(user, param('id'));
      res.location(importPath(req, importId));
      return { importId };
    },
  );

  api.post(
    '/search',
    {
      group: 'Search and ask',
      name: 'search',
      about: 'Search for passages',
      notes:
        'Best first. `mode` is `hybrid` unless said: `keyword` for words and identifiers, `semantic` for likeness.',
      body: schemas.searchRequest,
      answers: { 200: schemas.searchAnswer },
    },
    async ({ user, body }) => {
      let notice: string | undefined;
      const results = await search.search(user, {
        ...withoutNulls(body),
        onWordsOnly: (sentence) => (notice = sentence),
      });
      return toSearch(results, notice);
    },
  );

  return api;
}
