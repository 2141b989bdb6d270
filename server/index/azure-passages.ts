import type { Knex } from 'knex';
import type { Database } from '../database/database.ts';
import { PREFIX_SEPARATOR, prefixParts } from '../pipeline/prefix.ts';
import type { SearchResult } from '../services/search-service.ts';
import type { AzureHit } from './azure-client.ts';
import { copyStates, type IndexCopy } from './azure-copies.ts';
import type { IndexedChunk, SearchQuery } from './index.ts';
import { countTermsIn, type CorpusReader } from './postgres-keywords.ts';
import { toResult, type Row } from './postgres-search.ts';
import { visibleTo } from './postgres-visible.ts';

/** Passages that are read at once: their vectors are large. */
const PAGE = 200;

/** A passage as it is uploaded. */
export type Passage = { ordinal: number; text: string; embedText: string; vector?: number[] };

/** Chunks that are about to be stored, with their stored vectors. */
export async function* chunkPassages(db: Knex, chunks: IndexedChunk[], embedderId: string): AsyncGenerator<Passage[]> {
  for (let start = 0; start < chunks.length; start += PAGE) {
    const page = chunks.slice(start, start + PAGE);
    const vectors = await readVectors(
      db,
      page.map(({ textHash }) => textHash),
      embedderId,
    );
    yield page.map(({ ordinal, text, embedText, textHash }) => ({
      ordinal,
      text,
      embedText,
      vector: vectors.get(textHash),
    }));
  }
}

/** A stored document's chunks, under the title it is to be found by. Without `embedderId` no vectors are read. */
export async function* storedPassages(
  db: Knex,
  document: { id: string; title: string },
  embedderId?: string,
): AsyncGenerator<Passage[]> {
  for (let last = -1; ;) {
    const rows = (await db('chunks')
      .where({ document_id: document.id })
      .where('ordinal', '>', last)
      .orderBy('ordinal')
      .limit(PAGE)
      .select('ordinal', 'text', 'heading_path', 'text_hash')) as {
      ordinal: number;
      text: string;
      heading_path: string[];
      text_hash: string;
    }[];
    const vectors =
      embedderId === undefined
        ? undefined
        : await readVectors(
            db,
            rows.map((row) => row.text_hash),
            embedderId,
          );
    if (rows.length > 0)
      yield rows.map(({ ordinal, text, heading_path, text_hash }) => ({
        ordinal,
        text,
        embedText: `${prefixParts(document.title, heading_path).join(PREFIX_SEPARATOR)}\n\n${text}`,
        vector: vectors?.get(text_hash),
      }));
    last = rows.at(-1)?.ordinal ?? last;
    if (rows.length < PAGE) return;
  }
}

/** Tells one set of a document's chunks from every other, and how many they are. */
export async function chunksOf(db: Knex, documentId: string): Promise<{ count: number; mark: string }> {
  const row = (await db('chunks')
    .where({ document_id: documentId })
    .count('* as count')
    .min('id as first')
    .first()) as {
    count: string;
    first: string | null;
  };
  return { count: Number(row.count), mark: `${row.count} from ${row.first}` };
}

async function readVectors(db: Knex, textHashes: string[], embedderId: string): Promise<Map<string, number[]>> {
  const answer = await db.raw<{ rows: { text_hash: string; vector: number[] }[] }>(
    'select text_hash, embedding::real[] as vector from chunk_embeddings where text_hash = any(?) and embedder = ?',
    [[...new Set(textHashes)], embedderId],
  );
  return new Map(answer.rows.map((row) => [row.text_hash, row.vector]));
}

/**
 * The passages of hits, in their order, as far as their copies are shown and the user may see them. `states` are of the other copies, and of
 * those in `also`, at a moment after the passages were read; absent for copies that the database does not know. What a passage covers of the
 * query is weighed as it is in the database's own search.
 */
export async function readHits(
  { database, indexName, readCorpus }: { database: Database; indexName: string; readCorpus: CorpusReader },
  query: SearchQuery,
  hits: AzureHit[],
  also: string[],
): Promise<{ results: SearchResult[]; hidden: string[]; states: Map<string, IndexCopy['state']> }> {
  return database.transaction(async (trx) => {
    // As for the database's own search, whose statements these are.
    await trx.raw('set local jit = off; set local max_parallel_workers_per_gather = 0');
    const visible = visibleTo(query);
    const { terms } = await countTermsIn(trx, visible, await readCorpus(trx, visible), query.text);
    const answer = await trx.raw<{ rows: (Omit<Row, 'neighbours'> & { copy: string })[] }>(
      `select h.copy, c.id, c.document_id, c.ordinal, c.text, c.heading_path, c.page, d.title, d.url, d.platform, d.path, h.score,
         coalesce((
           select sum(t.weight) / :total
           from unnest(cast(:queries as tsquery[]), cast(:weights as float8[])) as t (query, weight)
           where c.terms @@ t.query
         ), 0) as confidence
       from unnest(cast(:copies as uuid[]), cast(:ordinals as integer[]), cast(:scores as float8[]))
         with ordinality as h (copy, ordinal, score, place)
       join index_copies i on i.id = h.copy and i.state = 'current' and i.index_name = :indexName
       join documents d on d.id = i.document_id and ${visible.sql}
       join chunks c on c.document_id = d.id and c.ordinal = h.ordinal
       order by h.place`,
      {
        ...visible.bindings,
        indexName,
        copies: hits.map(({ copy }) => copy),
        ordinals: hits.map(({ ordinal }) => ordinal),
        scores: hits.map(({ score }) => score),
        queries: terms.map((term) => term.query),
        weights: terms.map((term) => term.weight),
        total: terms.reduce((sum, term) => sum + term.weight, 0) || 1,
      },
    );
    const shown = new Set(answer.rows.map((row) => row.copy));
    const hidden = [...new Set(hits.map(({ copy }) => copy))].filter((copy) => !shown.has(copy));
    return { results: answer.rows.map(toResult), hidden, states: await copyStates(trx, [...hidden, ...also]) };
  });
}
