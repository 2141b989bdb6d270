import { createHash } from 'node:crypto';
import type { Request, Response } from 'express';
import type { Context } from '../context.ts';
import { sendOriginal } from '../middleware/send-original.ts';
import type { DocumentHead } from '../services/document-service.ts';
import { toDocument, toDocumentDetail, toDocumentHead, toSearch } from './answers.ts';
import { createApiRouter, type ApiRouter } from './call.ts';
import { importPath } from './imports.ts';
import { withoutNulls } from './input.ts';
import * as schemas from './schemas.ts';

/** What a call takes and answers that a client may ask again with what it has. */
const revalidated = {
  headers: { 'If-None-Match': 'The `ETag` of an earlier answer: 304 without a body where it is still the same' },
  answerHeaders: { ETag: 'Changes with the answer: for `If-None-Match`' },
};
const notModified = { about: 'It is what the `ETag` in `If-None-Match` stands for' };

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
      answers: { 200: schemas.documentsAnswer, 304: notModified },
      ...revalidated,
    },
    async ({ req, res, user, query }) => {
      keepAndAsk(req, res);
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
      answers: { 200: schemas.documentDetailAnswer, 304: notModified },
      ...revalidated,
    },
    async ({ req, res, user, param }) => {
      keepAndAsk(req, res);
      if (req.get('if-none-match') !== undefined) {
        res.set('ETag', tagOf(await documents.head(user, param('id'))));
        if (req.fresh) return void res.status(304).end();
      }
      const document = await documents.get(user, param('id'));
      res.set('ETag', tagOf(document));
      return toDocumentDetail(document);
    },
  );

  api.get(
    '/documents/:id/original',
    {
      group,
      name: 'downloadOriginal',
      about: 'Download the bytes that were imported',
      notes: 'Where the hub keeps originals (`KEEP_ORIGINALS`) and this document has one.',
      headers: {
        Range: 'One range of bytes',
        'If-Range': 'The `ETag` of the bytes that are there already: all of them come where they are others now',
      },
      answerHeaders: { ETag: 'The SHA-256 of the bytes' },
      answers: {
        200: { about: 'The file as it was imported', mediaType: 'application/octet-stream' },
        206: { about: 'The range of it', mediaType: 'application/octet-stream' },
      },
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

/**
 * Lets a client keep an answer, if it asks each time whether it is still that one. Where no other tag is set, Express makes one of the answer.
 * Source: https://www.rfc-editor.org/rfc/rfc9111#section-5.2.2.4
 */
function keepAndAsk(req: Request, res: Response): void {
  res.set('Cache-Control', 'private, no-cache');
  // Meant for caches on the way. `fetch` adds it to every `If-None-Match`, and Express would never answer 304.
  delete req.headers['cache-control'];
}

/**
 * Names a document's answer. Text and chunks need not be read for it: whenever they are replaced, the time of the import is another. It is weak, since the
 * same answer is sent with and without compression. Source: https://www.rfc-editor.org/rfc/rfc9110#section-8.8.1
 */
function tagOf(document: DocumentHead): string {
  // A later version's answer with other members is another one.
  const answer = [toDocumentHead(document), Object.keys(schemas.documentDetailAnswer.shape)];
  return `W/"${createHash('sha256').update(JSON.stringify(answer)).digest('base64url')}"`;
}
