import type { Knex } from 'knex';
import type { SearchResult } from '../services/search-service.ts';
import type { SearchQuery } from './index.ts';
import { choosePool, countTermsIn, keywordArm, type CorpusReader, type Statistics } from './postgres-keywords.ts';
import { approximateArm, approximateSettings, exactArm, type VectorArm } from './postgres-vectors.ts';
import { ARM_DEPTH, visibleTo, type Arm } from './postgres-visible.ts';

/**
 * Reciprocal rank fusion (https://doi.org/10.1145/1571941.1572114): a passage gets weight / (k + rank) from each arm. With k = 10 the
 * first places count for more than with the usual 60: on seven judged sets up to .03 nDCG@10 better, and at most .002 worse.
 */
const FUSION_K = 10;

export type SearchOptions = {
  /** pgvector is there and the vectors are stored as its type. */
  vectors: boolean;
  /** The vectors have an approximate index (a Postgres server; the embedded database compares with every vector). */
  approximate: boolean;
  /** Up to this many visible passages are compared one by one, which is exact and then no slower. */
  exactUpTo: number;
  /** Vectors that the approximate index looks at before all are compared after all, because a filter lets too few through. */
  scanUpTo: number;
  /** What a place in the semantic arm counts, beside 1 for the same place in the keyword arm. */
  semanticWeight: number;
  readCorpus: CorpusReader;
};

export type Row = {
  id: string;
  document_id: string;
  ordinal: number;
  text: string;
  heading_path: string[];
  page: number | null;
  token_count: number;
  title: string;
  url: string | null;
  platform: SearchResult['sourceType'];
  path: string;
  score: number;
  /** How many passages the semantic arm compared at last. */
  neighbours: number;
  confidence: number;
};

/**
 * Passages of the user's own documents, best first: by words (BM25), by meaning (cosine), or both fused by rank. Word
 * frequencies are those of the passages the query may see, so that scores tell nothing about other users' documents. One
 * transaction, of which this is to be the beginning, sees one state: of a document that is replaced meanwhile the old chunks or the new ones.
 */
export async function searchPostgres(
  db: Knex.Transaction,
  query: SearchQuery,
  options: SearchOptions,
): Promise<SearchResult[]> {
  // All statements read one snapshot, since the passages that the first ones choose are read by the last.
  // Compiling these statements takes longer than running them, and so does calling other processes for help; which of it happens would depend
  // on the tables' statistics.
  await db.raw(
    [
      'set transaction isolation level repeatable read, read only',
      'set local jit = off; set local max_parallel_workers_per_gather = 0',
      ...(options.approximate ? [approximateSettings(options.scanUpTo)] : []),
    ].join('; '),
  );
  const visible = visibleTo(query);
  const corpus = await options.readCorpus(db, visible);
  if (corpus.passages === 0) return [];
  const statistics = await countTermsIn(db, visible, corpus, query.text);
  const near = options.vectors && query.mode !== 'keyword' ? vectorArm(visible, query, options, statistics) : undefined;
  const keyword =
    query.mode === 'semantic' && near ? undefined : keywordArm(await choosePool(db, visible, statistics), statistics);
  const search = { db, query, options, visible, statistics, keyword };
  const rows = await fuse(search, near);
  // A narrow filter may let too few of the vectors through that an approximate index looks at.
  if (near?.approximate && (rows[0]?.neighbours ?? 0) < query.limit)
    return (await fuse(search, exactArm(visible, query))).map(toResult);
  return rows.map(toResult);
}

function vectorArm(
  visible: Arm,
  query: SearchQuery,
  options: SearchOptions,
  { passages }: Statistics,
): VectorArm | undefined {
  const many = options.approximate && passages > options.exactUpTo;
  return (many ? approximateArm(visible, query) : undefined) ?? exactArm(visible, query);
}

type Search = {
  db: Knex.Transaction;
  query: SearchQuery;
  options: SearchOptions;
  visible: Arm;
  statistics: Statistics;
  keyword: Arm | undefined;
};

/** Passages by the arms that the query asks for, best first. */
async function fuse(
  { db, query, options, visible, statistics, keyword }: Search,
  near: VectorArm | undefined,
): Promise<Row[]> {
  if (!near && !keyword) return [];
  const total = statistics.terms.reduce((sum, term) => sum + term.weight, 0);
  const answer = await db.raw<{ rows: Row[] }>(
    `with keyword as (${keyword?.sql ?? 'select null::bigint as id, null::bigint as rank where false'}),
      nearest as materialized (${near?.sql ?? 'select null::bigint as id, null::float8 as distance where false'}),
      -- vectors that have nothing in common with the query (distance 1) or no direction (NaN) are no neighbours
      semantic as (
        select id, row_number() over (order by distance, id) as rank from nearest where distance < 1
      ),
      fused as (
        select coalesce(k.id, s.id) as id,
          coalesce(1.0::float8 / (:fusion + k.rank), 0) + coalesce(cast(:semanticWeight as float8) / (:fusion + s.rank), 0) as score,
          coalesce(k.rank, s.rank + :depth) as tie
        from keyword k full join semantic s on s.id = k.id
        order by score desc, tie, id
        limit :limit
      )
    select c.id, c.document_id, c.ordinal, c.text, c.heading_path, c.page, c.token_count, d.title, d.url, d.platform, d.path, f.score,
      (select count(*) from nearest)::integer as neighbours,
      coalesce((
        select sum(t.weight) / :total from unnest(cast(:queries as tsquery[]), cast(:weights as float8[])) as t (query, weight)
        where c.terms @@ t.query
      ), 0) as confidence
    from fused f join chunks c on c.id = f.id join documents d on d.id = c.document_id
    order by f.score desc, f.tie, f.id`,
    {
      ...visible.bindings,
      ...keyword?.bindings,
      ...near?.bindings,
      queries: statistics.terms.map((term) => term.query),
      weights: statistics.terms.map((term) => term.weight),
      total: total || 1,
      fusion: FUSION_K,
      semanticWeight: options.semanticWeight,
      depth: ARM_DEPTH,
      limit: query.limit,
    },
  );
  return answer.rows;
}

export function toResult(row: Omit<Row, 'neighbours'>): SearchResult {
  return {
    chunkId: String(row.id),
    documentId: row.document_id,
    ordinal: row.ordinal,
    title: row.title,
    url: row.url ?? undefined,
    sourceType: row.platform,
    path: row.path,
    headingPath: row.heading_path,
    page: row.page ?? undefined,
    text: row.text,
    tokenCount: row.token_count,
    score: row.score,
    confidence: Math.min(1, row.confidence),
  };
}
