import type { Knex } from 'knex';
import { ARM_DEPTH, matching, type Arm } from './postgres-visible.ts';
import { identifierTerms, queryTerms, toTsquery } from './terms.ts';

/** BM25's parameters in their usual values: how soon repetition stops to count, and how much length does. */
const K1 = 1.2;
const B = 0.75;
/** A whole identifier counts twice and in full, however long the passage is: what repeats its parts does not come before it. */
const IDENTIFIER_WEIGHT = 2;
/** Words found in more passages than this are counted on a sample. */
const COUNT_CAP = 2_000;
const SAMPLE_SIZE = 500;
/** So many visible passages are read one by one sooner than the inverted index is asked. */
const FEW = 3_000;
const PASSAGES_OF_ONE = 5;
/** A word in so many passages of the sample is not counted. */
const COMMON_SHARE = 0.03;
/** The query's rarest words, up to so many occurrences in all, choose the passages that all its words rank. */
const MOST_POSTINGS = 10_000;
/** The same for a single word that stands nearly everywhere. */
const MOST_OF_ONE = 20_000;
/** Passages that are read for ranking: fewer for long queries, so that the work stays about the same. */
const POOL_READS = 6_000;
const SMALLEST_POOL = 300;
const LARGEST_POOL = 2_000;

type Term = { query: string; count: number; weight: number; identifier: boolean };
/** What the ranking by words needs to know of the passages the query may see. */
export type Statistics = { passages: number; averageLength: number; terms: Term[] };

/**
 * How many visible passages there are, how long they are, and in how many each word stands. Words that a sample shows to be common are not
 * counted: their number is estimated by it.
 */
export async function countTermsIn(db: Knex.Transaction, visible: Arm, text: string): Promise<Statistics> {
  const words = queryTerms(text);
  const identifiers = identifierTerms(text);
  const queries = words.map((word) => toTsquery([word]));
  const totals = await db.raw<{ rows: { documents: number; passages: number }[] }>(
    `select count(*)::float8 as documents, coalesce(sum(d.chunk_count), 0)::float8 as passages
     from documents d where ${visible.sql} and d.chunk_count > 0`,
    visible.bindings as Record<string, Knex.Value>,
  );
  const { documents = 0, passages = 0 } = totals.rows[0] ?? {};
  if (passages === 0) return { passages: 0, averageLength: 1, terms: [] };
  const sample = await readSample(db, visible, passages > COUNT_CAP ? queries : [], documents);
  const share = (index: number): number => (sample.size > 0 ? (sample.counts[index] ?? 0) / sample.size : 0);
  const rare = queries.flatMap((_, index) => (share(index) >= COMMON_SHARE ? [] : [index]));
  const counted = await countEach(
    db,
    visible,
    rare.map((index) => queries[index] ?? ''),
    passages <= FEW,
  );
  const counts = new Map(rare.map((index, place) => [index, counted[place] ?? 0]));
  const terms = queries.map((query, index) => {
    const exact = counts.get(index);
    const estimate = Math.round(share(index) * passages);
    const count = Math.min(
      passages,
      exact === undefined || exact >= COUNT_CAP ? Math.max(exact ?? 1, estimate) : exact,
    );
    const weight = Math.log(1 + (passages - count + 0.5) / (count + 0.5));
    const identifier = identifiers.has(words[index] ?? '');
    return { query, count, weight: identifier ? IDENTIFIER_WEIGHT * weight : weight, identifier };
  });
  return { passages, averageLength: sample.averageLength, terms };
}

type Sample = { size: number; averageLength: number; counts: number[] };

/** Some passages of some documents, always the same ones: ids are random, so that their order is as good as chance. */
async function readSample(db: Knex.Transaction, visible: Arm, queries: string[], documents: number): Promise<Sample> {
  const each = Math.max(PASSAGES_OF_ONE, Math.ceil(SAMPLE_SIZE / documents));
  // Joining an empty vector unpacks a stored one, so that it is done once and not for each word.
  const answer = await db.raw<{ rows: { size: number; length: number | null; counts: string[] }[] }>(
    `with sample as materialized (
      select c.term_count, ${queries.length > 0 ? "c.terms || ''::tsvector" : 'null::tsvector'} as terms
      from (
        select d.id from documents d where ${visible.sql} and d.chunk_count > 0 order by d.id limit :most
      ) as d
      cross join lateral (
        select c.term_count, c.terms from chunks c where c.document_id = d.id order by hashint8(c.id) limit :each
      ) as c
    )
    select count(*)::float8 as size, avg(term_count)::float8 as length,
      array(
        select (select count(*) from sample s where s.terms @@ t.query)
        from unnest(cast(:queries as tsquery[])) with ordinality as t (query, place) order by t.place
      ) as counts
    from sample`,
    { ...visible.bindings, queries, most: Math.ceil(SAMPLE_SIZE / PASSAGES_OF_ONE), each },
  );
  const row = answer.rows[0];
  return {
    size: row?.size ?? 0,
    averageLength: Math.max(1, row?.length ?? 1),
    counts: (row?.counts ?? []).map(Number),
  };
}

/** In how many visible passages each word stands, up to the cap. */
async function countEach(db: Knex.Transaction, visible: Arm, queries: string[], few: boolean): Promise<number[]> {
  if (queries.length === 0) return [];
  const answer = await db.raw<{ rows: { counts: string[] }[] }>(
    `select array(
      select (select count(*) from (select from ${matching(visible, 't.query', few)} limit :cap) as counted)
      from unnest(cast(:queries as tsquery[])) with ordinality as t (query, place) order by t.place
    ) as counts`,
    { ...visible.bindings, queries, cap: COUNT_CAP },
  );
  return (answer.rows[0]?.counts ?? []).map(Number);
}

/**
 * BM25 in two steps. The inverted index tells which passages hold a word without reading them, so the rarest words choose a pool
 * by weight and length alone; then the pool's passages are read and ranked by all words and how often they occur.
 */
export function keywordArm(visible: Arm, statistics: Statistics): Arm | undefined {
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
        select sum(t.weight * f.n * ${K1 + 1} / (f.n + case when t.whole then 0 else m.share end))
        from unnest(cast(:found as tsquery[]), cast(:foundWeights as float8[]), cast(:foundWholes as boolean[])) as t (query, weight, whole)
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
            select c.id, ${share} as share from ${matching(visible, 't.query', statistics.passages <= FEW)} limit ${MOST_OF_ONE}
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
      foundWholes: found.map((term) => term.identifier),
      choosing: choosing.map((term) => term.query),
      choosingWeights: choosing.map((term) => term.weight),
    },
  };
}
