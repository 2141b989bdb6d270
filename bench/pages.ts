import { gzipSync } from 'node:zlib';
import { ConflictError } from '../server/errors.ts';
import { paths } from '../server/paths.ts';
import { connectGoogle } from '../test/helpers/connect.ts';
import { databaseKinds, openTestDatabase } from '../test/helpers/database.ts';
import { startHub, type TestHub } from '../test/helpers/hub.ts';
import { signInAs, type Visitor } from '../test/helpers/visitor.ts';
import { addDocumentRow, prepareChunks, toChunks } from '../test/index/passages.ts';
import type { Bench } from './bench.ts';
import { median, timed } from './measure.ts';
import { createPassages } from './passages.ts';

const SIZES = [100, 10_000] as const;
const PASSAGES_OF_DOCUMENT = 3;
const AT_ONCE = 4;
const ROUNDS = 15;

/** Addresses of each page, which the rounds take in turn. */
type Filled = { visitor: Visitor; pages: Record<string, string[]> };

/** Every page of a hub that holds many documents, beside the same page of a hub that holds few. */
export const pages: Bench = {
  name: 'pages',
  about: `every page of a hub with ${SIZES[1]} documents beside one with ${SIZES[0]}: time until the page is there, and its size`,
  async run(say) {
    const kind = databaseKinds.includes('postgres') ? 'postgres' : 'embedded';
    const hubs: TestHub[] = [];
    try {
      const filled: Filled[] = [];
      for (const size of SIZES) {
        const hub = await startHub({ database: await openTestDatabase(kind) });
        hubs.push(hub);
        say(`filling a hub with ${size} documents`);
        filled.push(await fill(hub, size));
      }
      const [few, many] = filled as [Filled, Filled];
      const samples: Record<string, { few: number[]; many: number[]; bytes: number }> = {};
      for (const name of Object.keys(few.pages)) {
        const found = { few: [] as number[], many: [] as number[], bytes: 0 };
        // The first round only fills the caches.
        for (let round = 0; round <= ROUNDS; round += 1)
          for (const which of round % 2 ? (['few', 'many'] as const) : (['many', 'few'] as const)) {
            const { visitor, pages: addresses } = which === 'few' ? few : many;
            let html = '';
            const ms = await timed(async () => {
              const turns = addresses[name]!;
              const address = turns[round % turns.length]!;
              const answer = await visitor.get(address);
              if (answer.status !== 200) throw new Error(`${name} (${address}) answered ${answer.status}.`);
              ({ html } = answer);
            });
            if (round > 0) found[which].push(ms);
            if (which === 'many') found.bytes = gzipSync(html).length;
          }
        samples[name] = found;
        say(name);
      }
      return {
        columns: ['page', `${SIZES[0]} documents`, `${SIZES[1]} documents`, 'ratio', 'HTML, compressed'],
        rows: Object.entries(samples).map(([name, { few: short, many: long, bytes }]) => [
          name,
          `${median(short).toFixed(1)} ms`,
          `${median(long).toFixed(1)} ms`,
          `${(median(long) / median(short)).toFixed(2)} ×`,
          `${(bytes / 1024).toFixed(1)} KB`,
        ]),
        samples,
      };
    } finally {
      for (const hub of hubs) await hub.close();
    }
  },
};

/** Documents of several folders and categories, all from one import of one account. */
async function fill(hub: TestHub, size: number): Promise<Filled> {
  const { database, index, embedder, imports } = hub.context;
  const { knex } = database;
  const user = hub.admin;
  const { id: integrationId } = await connectGoogle(hub, user);
  const made = createPassages(1);
  const write = async (at: number): Promise<void> => {
    const title = `Note ${at}`;
    const documentId = await addDocumentRow(database, user.id, PASSAGES_OF_DOCUMENT, {
      title,
      path: `My Drive/Folder ${at % 50}/${title}`,
      category: `category-${at % 7}`,
    });
    const texts = Array.from({ length: PASSAGES_OF_DOCUMENT }, () => made.passage().text);
    const chunks = toChunks(texts, title);
    const prepared = await prepareChunks(database, index, documentId, chunks, { embedder: embedder.id });
    await database.transaction((trx) => index.replace(trx, documentId, chunks, embedder.id, prepared));
  };
  for (let at = 0; at < size; at += AT_ONCE)
    await Promise.all(Array.from({ length: AT_ONCE }, (_, one) => write(at + one)));
  const { id: importId } = await imports.create(user, { items: [{ integrationId, ref: 'root' }] });
  // The account holds next to nothing: it may have ended by itself.
  await imports.cancel(user, importId).catch((error: unknown) => {
    if (!(error instanceof ConflictError)) throw error;
  });
  await knex('documents').update({ integration_id: integrationId });
  await knex.raw(
    `insert into import_items (import_id, integration_id, item_ref, name, path, kind, state, document_id, chunk_count, size_bytes, settled_at)
     select ?, integration_id, item_ref, title, path, 'file', 'indexed', id, chunk_count, 1000, now() from documents`,
    [importId],
  );
  await knex.raw('analyze');
  const { documents, nextCursor } = await hub.context.documents.list(user);
  const [document] = documents;
  const asker = createPassages(2);
  const questions = Array.from({ length: ROUNDS }, () => asker.query().text);
  const pages = {
    Overview: paths.overview,
    Integrations: paths.integrations,
    'An integration': paths.integration(integrationId),
    Browse: paths.browse(),
    'An account in the browser': paths.browse({ integration: integrationId }),
    Imports: paths.imports,
    'An import': paths.import(importId),
    'An import, one state': paths.import(importId, { state: 'indexed' }),
    Documents: paths.documents(),
    'Documents, second page': paths.documents({ cursor: nextCursor }),
    'Documents, one category': paths.documents({ category: 'category-3' }),
    'A document': paths.document(document!.id),
    'Search, before': paths.search(),
    'Search by words': questions.map((q) => paths.search({ q, mode: 'keyword' })),
    'Search by words and meaning': questions.map((q) => paths.search({ q })),
    Notifications: paths.notifications,
    Users: paths.users,
    Tokens: paths.tokens,
  };
  return {
    visitor: await signInAs(hub.url, user.email),
    pages: Object.fromEntries(Object.entries(pages).map(([name, addresses]) => [name, [addresses].flat()])),
  };
}
