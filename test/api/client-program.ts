/**
 * What somebody would write with a generated client: the main path, from the list of accounts to a document that is deleted. It is compiled against the
 * types that are made of a hub's own description, in `schema.d.ts` beside it, and run.
 */
export const PROGRAM = `
import createClient from 'openapi-fetch';
import type { components, paths } from './schema.js';

type Import = components['schemas']['Import'];

/** What came, or the end with the hub's own words. */
function got<T>({ data, error }: { data?: T; error?: { code: string; detail: string } }): T {
  if (error) throw new Error(error.code + ': ' + error.detail);
  if (data === undefined) throw new Error('nothing came');
  return data;
}

export async function run(baseUrl: string, token: string) {
  const hub = createClient<paths, 'application/json' | 'application/problem+json'>({ baseUrl, headers: { authorization: 'Bearer ' + token } });

  const { integrations } = got(await hub.GET('/integrations'));
  const account = integrations.find((one) => one.connected);
  if (!account?.connected) throw new Error('no account is connected');
  const target = account.id;

  const browse = async (folder_id?: string) =>
    got(await hub.GET('/integrations/{target}/files', { params: { path: { target }, query: { folder_id } } })).files;
  const drive = (await browse()).find(({ name, isFolder }) => isFolder && name === 'My Drive');
  const files = (await browse(drive?.id)).filter(({ importable }) => importable);

  const imported = got(
    await hub.POST('/integrations/{target}/import', {
      params: { path: { target }, header: { Prefer: 'wait=60', 'Idempotency-Key': 'once' } },
      body: { fileIds: files.map(({ id }) => id), category: 'ports' },
    }),
  );
  if (!('documents' in imported)) throw new Error('the import takes too long');

  const found: Import = got(await hub.GET('/imports/{id}', { params: { path: { id: imported.importId } } }));
  const { documents } = got(await hub.GET('/documents', { params: { query: { category: 'ports', q: 'harbour' } } }));
  const path = { id: documents[0]?.id ?? '' };
  const document = got(await hub.GET('/documents/{id}', { params: { path } }));
  const { results } = got(await hub.POST('/search', { body: { query: 'when does the harbour open', limit: 3 } }));
  const answer = got(await hub.POST('/ask', { body: { question: 'When does the harbour open?' } }));
  const deleted = await hub.DELETE('/documents/{id}', { params: { path } });
  const gone = await hub.GET('/documents/{id}', { params: { path } });

  return {
    platform: account.platform,
    files: files.map(({ name }) => name),
    chunks: imported.documents.map(({ chunk_count }) => chunk_count),
    counts: found.counts,
    rows: found.items.map(({ status }) => status),
    text: document.text,
    passage: document.chunks[0]?.headingPath,
    result: results[0]?.title,
    cited: answer.citations.map(({ documentId }) => documentId),
    document: document.id,
    deleted: deleted.response.status,
    gone: gone.error?.code,
  };
}
`;
