import type { Knex } from 'knex';
import type { SearchResult } from '../services/search-service.ts';
import type { SearchQuery } from './index.ts';
import { ownerTerm, queryTerms, toTsquery } from './terms.ts';

/** BM25's parameters in their usual values: how soon repetition stops to count, and how much length does. */
const K1 = 1.2;
const B = 0.75;
/**
 * Reciprocal rank fusion (https://doi.org/10.1145/1571941.1572114): a passage gets weight / (k + rank) from each arm. With k = 10 the
 * first places count for more than with the usual 60: on seven judged sets up to .03 nDCG@10 better, and at most .002 worse.
 */
const FUSION_K = 10;
/** Passages each arm hands to the fusion. */
const ARM_DEPTH = 100;
/** Words found in more passages than this are counted on a sample. */
const COUNT_CAP = 2_000;
const SAMPLE_SIZE = 500;
/** The query's rarest words, up to so many occurrences in all, choose the passages that all its words rank. */
const MOST_POSTINGS = 10_000;
/** The same for a single word that stands nearly everywhere. */
const MOST_OF_ONE = 20_000;
/** Passages that are read for ranking: fewer for long queries, so that the work stays about the same. */
const POOL_READS = 6_000;
const SMALLEST_POOL = 300;
const LARGEST_POOL = 2_000;
const HNSW_DIMENSIONS = [1024, 1536, 3072];

export type SearchOptions = {
  /** pgvector is there and the vectors are stored as its type. */
  vectors: boolean;
  /** The vectors have an approximate index (a Postgres server; the embedded database compares with every vector). */
  approximate: boolean;
  /** Up to this many visible passages are compared one by one, which is exact and then no slower. */
  exactUpTo: number;
  /** Whose vectors to compare with; without it, every embedder's of the query vector's length. */
  embedderId?: string;
  /** What a place in the semantic arm counts, beside 1 for the same place in the keyword arm. */
  semanticWeight: number;
};

type Term = { query: string; count: number; weight: number };
type Arm = { sql: string; bindings: Record<string, unknown> };
type Row = {
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
  confidence: number;
};

/**
 * Passages of the user's own documents, best first: by words (BM25), by meaning (cosine), or both fused by rank. Word
 * frequencies are those of the passages the query may see, so that scores tell nothing about other users' documents. One
 * statement finds and reads the passages: of a document that is replaced meanwhile it sees the old chunks or the new ones.
 */
export async function searchPostgres(
  db: Knex.Transaction,
  query: SearchQuery,
  options: SearchOptions,
): Promise<SearchResult[]> {
  const visible = visibleTo(query, options);
  const statistics = await countTermsIn(db, visible, queryTerms(query.text));
  if (statistics.passages === 0) return [];
  const vector = options.vectors && query.mode !== 'keyword' ? await vectorArm(db, visible, query, options) : undefined;
  const keyword = query.mode === 'semantic' && vector ? undefined : keywordArm(visible, statistics);
  if (!vector && !keyword) return [];
  const total = statistics.terms.reduce((sum, term) => sum + term.weight, 0);
  const answer = await db.raw<{ rows: Row[] }>(
    `with keyword as (${keyword?.sql ?? 'select null::bigint as id, null::bigint as rank where false'}),
      semantic as (${vector?.sql ?? 'select null::bigint as id, null::bigint as rank where false'}),
      fused as (
        select coalesce(k.id, s.id) as id,
          coalesce(1.0::float8 / (:fusion + k.rank), 0) + coalesce(cast(:semanticWeight as float8) / (:fusion + s.rank), 0) as score,
          coalesce(k.rank, s.rank + :depth) as tie
        from keyword k full join semantic s on s.id = k.id
        order by score desc, tie, id
        limit :limit
      )
    select c.id, c.document_id, c.ordinal, c.text, c.heading_path, c.page, c.token_count, d.title, d.url, d.platform, d.path, f.score,
      coalesce((
        select sum(t.weight) / :total from unnest(cast(:queries as tsquery[]), cast(:weights as float8[])) as t (query, weight)
        where c.terms @@ t.query
      ), 0) as confidence
    from fused f join chunks c on c.id = f.id join documents d on d.id = c.document_id
    order by f.score desc, f.tie, f.id`,
    {
      ...visible.bindings,
      ...keyword?.bindings,
      ...vector?.bindings,
      queries: statistics.terms.map((term) => term.query),
      weights: statistics.terms.map((term) => term.weight),
      total: total || 1,
      fusion: FUSION_K,
      semanticWeight: options.semanticWeight,
      depth: ARM_DEPTH,
      limit: query.limit,
    },
  );
  return answer.rows.map(toResult);
}

function toResult(row: Row): SearchResult {
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

/** The condition on documents `d` that every part of a search carries. */
function visibleTo(query: SearchQuery, options: SearchOptions): Arm {
  const conditions = ['d.user_id = :user'];
  const bindings: Record<string, unknown> = { user: query.userId };
  if (options.approximate) bindings.owner = toTsquery([ownerTerm(query.userId)]);
  if (query.platform !== undefined) {
    conditions.push('d.platform = :platform');
    bindings.platform = query.platform;
  }
  if (query.category !== undefined) {
    conditions.push('d.category = :category');
    bindings.category = query.category;
  }
  return { sql: conditions.join(' and '), bindings };
}

/**
 * Chunks `c` that match a tsquery and belong to visible documents. On a server the owner's term is asked for as well, so that the
 * inverted index passes over other users' chunks; whose they are is still decided by the document. That is a scalar subquery and
 * no join: without statistics the planner takes every user for one with a single document, and asks the inverted index again for
 * each document there is.
 */
function matching(visible: Arm, tsquery: string): string {
  const asked = 'owner' in visible.bindings ? `(cast(:owner as tsquery) && ${tsquery})` : tsquery;
  return `chunks c where c.terms @@ ${asked} and (select ${visible.sql} from documents d where d.id = c.document_id)`;
}

type Statistics = { passages: number; averageLength: number; terms: Term[] };

async function countTermsIn(db: Knex.Transaction, visible: Arm, words: string[]): Promise<Statistics> {
  const queries = words.map((word) => toTsquery([word]));
  const answer = await db.raw<{ rows: { passages: number; length: number | null; counts: string[] }[] }>(
    `select
      (select coalesce(sum(d.chunk_count), 0) from documents d where ${visible.sql})::float8 as passages,
      (select avg(term_count) from (
        select c.term_count from chunks c join documents d on d.id = c.document_id where ${visible.sql} limit 1000
      ) as sample)::float8 as length,
      array(
        select (select count(*) from (select from ${matching(visible, 't.query')} limit :cap) as counted)
        from unnest(cast(:queries as tsquery[])) with ordinality as t (query, place) order by t.place
      ) as counts`,
    { ...visible.bindings, queries, cap: COUNT_CAP },
  );
  const row = answer.rows[0];
  const counts = (row?.counts ?? []).map(Number);
  const averageLength = Math.max(1, row?.length ?? 1);
  // No passage at all is known by the missing length; the sum of chunk_count is only as good as its writer.
  const passages = row?.length == null ? 0 : Math.max(row.passages, 1, ...counts);
  if (passages > COUNT_CAP) await estimateCommon(db, visible, queries, counts, passages);
  const terms = queries.map((query, index) => {
    const count = Math.min(counts[index] ?? 0, passages);
    return { query, count, weight: Math.log(1 + (passages - count + 0.5) / (count + 0.5)) };
  });
  return { passages, averageLength, terms };
}

/** Replaces, in `counts`, those that reached the cap by an estimate from a sample of pages. */
async function estimateCommon(
  db: Knex.Transaction,
  visible: Arm,
  queries: string[],
  counts: number[],
  passages: number,
): Promise<void> {
  const common = queries.flatMap((_, index) => ((counts[index] ?? 0) >= COUNT_CAP ? [index] : []));
  if (common.length === 0) return;
  // Joining an empty vector unpacks a stored one, so that it is done once and not for each word.
  const answer = await db.raw<{ rows: { sampled: string; counts: string[] }[] }>(
    `with sample as materialized (
      select c.terms || ''::tsvector as terms
      from chunks c tablesample system (:percent) repeatable (1) join documents d on d.id = c.document_id
      where ${visible.sql} limit :most
    )
    select (select count(*) from sample) as sampled,
      array(
        select (select count(*) from sample s where s.terms @@ t.query)
        from unnest(cast(:queries as tsquery[])) with ordinality as t (query, place) order by t.place
      ) as counts`,
    {
      ...visible.bindings,
      queries: common.map((index) => queries[index]),
      percent: Math.min(100, (100 * SAMPLE_SIZE) / passages),
      most: 2 * SAMPLE_SIZE,
    },
  );
  const row = answer.rows[0];
  const sampled = Number(row?.sampled ?? 0);
  common.forEach((index, place) => {
    const share = sampled > 0 ? Number(row?.counts[place] ?? 0) / sampled : 0.5;
    counts[index] = Math.max(COUNT_CAP, Math.round(share * passages));
  });
}

/**
 * BM25 in two steps. The inverted index tells which passages hold a word without reading them, so the rarest words choose a pool
 * by weight and length alone; then the pool's passages are read and ranked by all words and how often they occur.
 */
function keywordArm(visible: Arm, statistics: Statistics): Arm | undefined {
  const found = statistics.terms.filter((term) => term.count > 0).sort((a, b) => a.count - b.count);
  if (found.length === 0) return undefined;
  const choosing: Term[] = [];
  let postings = 0;
  for (const term of found) {
    if (postings >= ARM_DEPTH && postings + term.count > MOST_POSTINGS) break;
    choosing.push(term);
    postings += term.count;
  }
  const pool = Math.max(SMALLEST_POOL, Math.min(LARGEST_POOL, Math.round(POOL_READS / found.length)));
  const share = `${K1} * (${1 - B} + ${B} * term_count / cast(:averageLength as float8))`;
  // ts_rank of one word that occurs n times is (1 + 1/4 + … + 1/n²) / 1.64493406685, and that sum is 1.64493406685 - 1/(n + ½)
  // within a few hundredths: turned round it gives the n that BM25 asks for, without unpacking the passage's vector.
  const sql = `
    select ranked.id, row_number() over (order by ranked.score desc, ranked.id) as rank
    from (
      select m.id, (
        select sum(t.weight * f.n * ${K1 + 1} / (f.n + m.share))
        from unnest(cast(:found as tsquery[]), cast(:foundWeights as float8[])) as t (query, weight)
        cross join lateral (select ts_rank('{1,1,1,1}', m.terms, t.query)::float8 as r offset 0) as rank
        cross join lateral (select 1 / (1.64493406685 * (1 - rank.r)) - 0.5 as n) as f
        where rank.r > 0
      ) as score
      from (
        select c.id, c.terms || ''::tsvector as terms, pool.share
        from (
          select posting.id, posting.share
          from unnest(cast(:choosing as tsquery[]), cast(:choosingWeights as float8[])) as t (query, weight)
          cross join lateral (
            select c.id, ${share} as share from ${matching(visible, 't.query')} limit ${MOST_OF_ONE}
          ) as posting
          group by posting.id, posting.share
          order by sum(t.weight) / (1 + posting.share) desc, posting.id
          limit ${pool}
        ) as pool
        join chunks c on c.id = pool.id
        offset 0
      ) as m
      order by score desc nulls last, m.id
      limit ${ARM_DEPTH}
    ) as ranked`;
  return {
    sql,
    bindings: {
      averageLength: statistics.averageLength,
      found: found.map((term) => term.query),
      foundWeights: found.map((term) => term.weight),
      choosing: choosing.map((term) => term.query),
      choosingWeights: choosing.map((term) => term.weight),
    },
  };
}

async function vectorArm(
  db: Knex.Transaction,
  visible: Arm,
  query: SearchQuery,
  options: SearchOptions,
): Promise<Arm | undefined> {
  const { embedding } = query;
  if (!embedding?.some((value) => value !== 0)) return undefined;
  const dimensions = embedding.length;
  const sameKind = `vector_dims(e.embedding) = ${dimensions}${options.embedderId === undefined ? '' : ' and e.embedder = :embedder'}`;
  const bindings = { embedding: toVector(embedding), embedder: options.embedderId };
  const approximate =
    options.approximate && HNSW_DIMENSIONS.includes(dimensions) && (await seesMoreThan(db, visible, options.exactUpTo));
  // Vectors that have nothing in common with the query (distance 1) or no direction (NaN) are no neighbours.
  const ranked = (nearest: string) => `
    select nearest.id, row_number() over (order by nearest.distance, nearest.id) as rank
    from (${nearest}) as nearest where nearest.distance < 1
    order by nearest.distance, nearest.id
    limit ${ARM_DEPTH}`;
  // The inner query is fenced (offset 0), so that distances are sorted and not the vectors themselves.
  if (!approximate)
    return {
      sql: ranked(`
        select measured.id, min(measured.distance) as distance
        from (
          select c.id, e.embedding <=> cast(:embedding as vector) as distance
          from chunks c join documents d on d.id = c.document_id join chunk_embeddings e on e.text_hash = c.text_hash
          where ${visible.sql} and ${sameKind} offset 0
        ) as measured
        group by measured.id`),
      bindings,
    };
  // The scan goes on until enough neighbours are the user's own, or 20,000 vectors (pgvector's default) were looked at.
  await db.raw(`set local hnsw.ef_search = ${ARM_DEPTH}`);
  await db.raw('set local hnsw.iterative_scan = relaxed_order');
  const distance = `e.embedding::halfvec(${dimensions}) <=> cast(:embedding as halfvec(${dimensions}))`;
  return {
    sql: ranked(`
      select c.id, min(close.distance) as distance
      from (
        select e.text_hash, ${distance} as distance from chunk_embeddings e
        where ${sameKind} and exists (
          select from chunks c join documents d on d.id = c.document_id
          where c.text_hash = e.text_hash and ${visible.sql}
        )
        order by ${distance} limit ${ARM_DEPTH}
      ) as close
      join chunks c on c.text_hash = close.text_hash join documents d on d.id = c.document_id
      where ${visible.sql}
      group by c.id`),
    bindings,
  };
}

async function seesMoreThan(db: Knex.Transaction, visible: Arm, passages: number): Promise<boolean> {
  const answer = await db.raw<{ rows: unknown[] }>(
    `select from chunks c join documents d on d.id = c.document_id where ${visible.sql} offset ${passages} limit 1`,
    visible.bindings as Record<string, Knex.Value>,
  );
  return answer.rows.length > 0;
}

/** pgvector's text form. */
export function toVector(embedding: Float32Array): string {
  return `[${embedding.join(',')}]`;
}
