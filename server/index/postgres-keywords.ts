import type { Knex } from 'knex';
import { ARM_DEPTH, matching, type Arm, type Lookup } from './postgres-visible.ts';
import { identifierTerms, queryTerms, toTsquery } from './terms.ts';

/** BM25's parameters in their usual values: how soon repetition stops to count, and how much length does. */
const K1 = 1.2;
const B = 0.75;
/** A whole identifier counts twice and in full, however long the passage is: what repeats its parts does not come before it. */
const IDENTIFIER_WEIGHT = 2;
/** Passages of the sample: enough to tell common words from rare ones. */
const SAMPLE_SIZE = 200;
/** So many visible passages are read one by one sooner than the inverted index is asked. */
const FEW = 3_000;
/** Bytes of stored chunks for each visible passage, above which most chunks must be other users': one takes about 2,000. */
const CROWDED = 8_000;
/** Words that the sample expects in more passages than this are common. Of a rare word at most so many passages are looked up. */
const RARE = 500;
/** The two rarest words of a query are looked up even where the sample expects them in so many passages. */
const RAREST = 2;
const MIDDLING = 2_000;
/** Passages looked up for a query of many rare words, and for each of them at least. */
const MOST_POSTINGS = 8_000;
const LEAST_POSTINGS = 100;
/** Passages looked up for a common word. */
const MOST_OF_COMMON = 20_000;
/** The rarest of the common words are looked up in pairs, and for each pair so many passages. */
const PAIRED = 3;
const MOST_OF_PAIR = 2_000;
/**
 * Passages that are read for ranking: fewer the more words have told about them before. With 100,000 passages and five words, of the ten best
 * 99 % were those that five times as many gave.
 */
const SMALLEST_POOL = 250;
const POOL_OF_ONE = 1_250;
/** The same where common words choose, which tell least. */
const LARGEST_POOL = 2_000;

/** Passages that hold a word, and their lengths in terms. */
type Postings = { ids: number[]; lengths: number[] };
/** A word of the query. Common ones come without postings. */
type Term = { query: string; count: number; weight: number; identifier: boolean; postings?: Postings };
/** What the ranking by words needs to know of the passages the query may see. */
export type Statistics = Corpus & { terms: Term[] };

/** What is known of the passages that a user may see under some filters. */
export type Corpus = {
  passages: number;
  averageLength: number;
  lookup: Lookup;
  /** In what share of the passages a word stands; words that the sample shows to be rare are not there. */
  shares: Map<string, number>;
};

/** So long what is known of many passages is taken for true: it decides how words are weighed, not what is found. */
const CORPUS_MS = 60_000;
const MOST_CORPORA = 100;

/** Reads how many passages are visible, how long they are, and which words are common in them. */
export type CorpusReader = (db: Knex.Transaction, visible: Arm) => Promise<Corpus>;

/** A reader that remembers what it found of many passages for a minute, each user's and filter's apart. */
export function createCorpusReader(): CorpusReader {
  const known = new Map<string, { corpus: Corpus; until: number }>();
  return async (db, visible) => {
    const key = JSON.stringify(visible.bindings);
    const found = known.get(key);
    if (found && found.until > Date.now()) return found.corpus;
    known.delete(key);
    const corpus = await readCorpus(db, visible);
    // Of few passages an import changes much, and to ask anew takes no time.
    if (corpus.lookup === 'each') return corpus;
    const [oldest] = known.keys();
    if (known.size >= MOST_CORPORA && oldest !== undefined) known.delete(oldest);
    known.set(key, { corpus, until: Date.now() + CORPUS_MS });
    return corpus;
  };
}

/**
 * Takes a sample of some passages of some documents, always the same ones: documents' ids are random, so that their order is as good as
 * chance. Their passages are put in a row, and taken from it at equal distances.
 */
async function readCorpus(db: Knex.Transaction, visible: Arm): Promise<Corpus> {
  const answer = await db.raw<{
    rows: {
      passages: number;
      bytes: number;
      size: number;
      length: number | null;
      common: Record<string, number> | null;
    }[];
  }>(
    `with first as materialized (
      select id, chunk_count, sum(chunk_count) over (order by id) - chunk_count as before,
        greatest(1, sum(chunk_count) over ()::float8 / :size) as step
      from (
        select d.id, d.chunk_count from documents d where ${visible.sql} and d.chunk_count > 0 order by d.id limit :size
      ) as d
    ),
    sample as materialized (
      select c.term_count, c.terms
      from first d
      cross join lateral generate_series(
        ceil(d.before / d.step - 0.5)::integer, ceil((d.before + d.chunk_count) / d.step - 0.5)::integer - 1
      ) as place
      cross join lateral (
        select c.term_count, c.terms from chunks c
        where c.document_id = d.id and c.ordinal = (floor((place + 0.5) * d.step) - d.before)::integer
        offset 0
      ) as c
    ),
    totals as materialized (
      select coalesce(sum(d.chunk_count), 0)::float8 as passages from documents d where ${visible.sql} and d.chunk_count > 0
    )
    select totals.passages, pg_relation_size('chunks')::float8 as bytes,
      (select count(*)::float8 from sample) as size, (select avg(term_count)::float8 from sample) as length,
      case when totals.passages > ${FEW} then (
        select json_object_agg(t.lexeme, t.times)
        from (
          select lexeme, count(*) as times from sample cross join lateral unnest(terms) group by lexeme having count(*) * totals.passages > :size * ${RARE}
        ) as t
      ) end as common
    from totals`,
    { ...visible.bindings, size: SAMPLE_SIZE },
  );
  const { passages = 0, bytes = 0, size = 0, length, common } = answer.rows[0] ?? {};
  return {
    passages,
    averageLength: Math.max(1, length ?? 1),
    lookup: passages <= FEW ? 'each' : bytes > CROWDED * passages ? 'owner' : 'index',
    shares: new Map(Object.entries(common ?? {}).map(([term, times]) => [term, times / Math.max(1, size)])),
  };
}

/** In how many passages each word of a query stands. Rare words are looked up; the number of a common one is estimated by a sample. */
export async function countTermsIn(
  db: Knex.Transaction,
  visible: Arm,
  corpus: Corpus,
  text: string,
): Promise<Statistics> {
  const { passages, lookup } = corpus;
  const words = queryTerms(text);
  const identifiers = identifierTerms(text);
  const expected = words.map((word) => Math.round((corpus.shares.get(word) ?? 0) * passages));
  const most = lookup === 'each' ? words.map(() => FEW) : mostPostings(expected);
  const asked = words.flatMap((_, index) => (most[index] ? [index] : []));
  const queries = words.map((word) => toTsquery([word]));
  const found = await readPostings(
    db,
    visible,
    lookup,
    asked.map((index) => ({ query: queries[index]!, most: most[index]! })),
  );
  const terms = words.map((word, index) => {
    const postings = found[asked.indexOf(index)];
    const isExact = postings !== undefined && postings.ids.length < most[index]!;
    const known = isExact ? postings.ids.length : Math.max(postings ? most[index]! : 1, expected[index]!);
    const count = Math.min(passages, known);
    const weight = Math.log(1 + (passages - count + 0.5) / (count + 0.5));
    const identifier = identifiers.has(word);
    return {
      query: queries[index]!,
      count,
      weight: identifier ? IDENTIFIER_WEIGHT * weight : weight,
      identifier,
      postings,
    };
  });
  return { ...corpus, terms };
}

/** How many passages of each word are looked up, by the number that is expected of it: none of a common one. */
function mostPostings(expected: number[]): number[] {
  const each = Math.floor(MOST_POSTINGS / Math.max(1, expected.length));
  const rarest = [...expected.keys()].sort((a, b) => expected[a]! - expected[b]! || a - b).slice(0, RAREST);
  return expected.map((count, index) => {
    if (count <= RARE) return Math.min(RARE, Math.max(LEAST_POSTINGS, each));
    return count <= MIDDLING && rarest.includes(index) ? MIDDLING : 0;
  });
}

/** The visible passages that match a tsquery, at most so many, as Postings. */
const postingsOf = (visible: Arm, tsquery: string, lookup: Lookup, most: string): string => `(
  select json_build_object('ids', coalesce(json_agg(c.id), '[]'), 'lengths', coalesce(json_agg(c.term_count), '[]'))
  from (select c.id, c.term_count from ${matching(visible, tsquery, lookup)} limit ${most}) as c
)`;

/** For each query the visible passages that match it, at most so many. */
async function readPostings(
  db: Knex.Transaction,
  visible: Arm,
  lookup: Lookup,
  asked: { query: string; most: number }[],
): Promise<Postings[]> {
  if (asked.length === 0) return [];
  const answer = await db.raw<{ rows: { postings: Postings }[] }>(
    `select ${postingsOf(visible, 't.query', lookup, 't.most')} as postings
     from unnest(cast(:queries as tsquery[]), cast(:most as integer[])) with ordinality as t (query, most, place) order by t.place`,
    { ...visible.bindings, queries: asked.map(({ query }) => query), most: asked.map(({ most }) => most) },
  );
  return answer.rows.map(({ postings }) => postings);
}

/**
 * The passages that are read for ranking. The inverted index tells which hold a word without reading them, so the rare words choose,
 * by weight and length alone; where they are in too few passages, so do common ones.
 */
export async function choosePool(db: Knex.Transaction, visible: Arm, statistics: Statistics): Promise<number[]> {
  const { averageLength, lookup, terms } = statistics;
  const candidates = new Map<number, { weight: number; length: number }>();
  const add = (weight: number, { ids, lengths }: Postings): void => {
    for (const [place, id] of ids.entries()) {
      const candidate = candidates.get(id);
      if (candidate) candidate.weight += weight;
      else candidates.set(id, { weight, length: lengths[place] ?? 1 });
    }
  };
  for (const term of terms) if (term.postings) add(term.weight, term.postings);
  const common = terms.filter((term) => !term.postings).sort((a, b) => a.count - b.count);
  const pairs = common.slice(0, PAIRED).flatMap((a, at) => common.slice(at + 1, PAIRED).map((b) => [a, b]));
  let pool = Math.max(SMALLEST_POOL, Math.round(POOL_OF_ONE / Math.max(1, terms.length)));
  for (const { asked, most } of [
    { asked: pairs, most: MOST_OF_PAIR },
    { asked: common.slice(0, 1).map((term) => [term]), most: MOST_OF_COMMON },
  ]) {
    if (candidates.size >= ARM_DEPTH) break;
    // They fill the places behind what the rarer words gave: the fewer these are, the fewer have to be read for them.
    const share = 1 - candidates.size / ARM_DEPTH;
    const atMost = Math.max(SMALLEST_POOL, Math.round(share * most));
    if (asked.length > 0) pool = Math.max(pool, Math.round(share * LARGEST_POOL));
    const queries = asked.map((words) => ({ query: words.map(({ query }) => query).join(' & '), most: atMost }));
    const found = await readPostings(db, visible, lookup, queries);
    for (const [place, postings] of found.entries())
      add(asked[place]?.reduce((sum, { weight }) => sum + weight, 0) ?? 0, postings);
  }
  return [...candidates]
    .map(([id, { weight, length }]) => ({ id, score: weight / (1 + K1 * (1 - B + (B * length) / averageLength)) }))
    .sort((a, b) => b.score - a.score || a.id - b.id)
    .slice(0, pool)
    .map(({ id }) => id);
}

/** BM25 of the pool's passages, by all words and how often they occur. */
export function keywordArm(pool: number[], statistics: Statistics): Arm | undefined {
  const found = statistics.terms.filter((term) => term.count > 0);
  if (pool.length === 0) return undefined;
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
      from unnest(cast(:pool as bigint[])) as pool (id)
      cross join lateral (
        select c.id, setweight(c.terms, 'D') as terms,
          ${K1} * (${1 - B} + ${B} * c.term_count / cast(:averageLength as float8)) as share
        from chunks c where c.id = pool.id
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
      pool,
    },
  };
}
