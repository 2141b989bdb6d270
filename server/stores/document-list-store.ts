import type { Knex } from 'knex';
import type { Platform } from '../../providers/provider.ts';
import type {
  DocumentAge,
  DocumentFacets,
  DocumentFilter,
  DocumentSort,
  DocumentState,
} from '../services/document-filter.ts';
import { isUuid } from '../ids.ts';
import type { DocumentSummary } from '../services/document-service.ts';
import { readCursor, writeCursor } from './cursor.ts';
import { DOCUMENT_COLUMNS, DOCUMENT_STATE, toSummary, type DocumentRow } from './document-store.ts';

const PAGE = 50;
const CATEGORIES = 200;

const AGE = `case when modified_at is null then 'unknown'
  when modified_at >= now() - interval '7 days' then 'week'
  when modified_at >= now() - interval '30 days' then 'month'
  when modified_at >= now() - interval '365 days' then 'year' else 'older' end`;

/** What each sort goes by, as a text that can be compared again. */
const SORTS: Record<DocumentSort, { by: string; direction: 'asc' | 'desc'; type: 'text' | 'timestamptz' }> = {
  imported: { by: 'imported_at', direction: 'desc', type: 'timestamptz' },
  'imported-up': { by: 'imported_at', direction: 'asc', type: 'timestamptz' },
  changed: { by: `coalesce(modified_at, '-infinity')`, direction: 'desc', type: 'timestamptz' },
  'changed-up': { by: `coalesce(modified_at, 'infinity')`, direction: 'asc', type: 'timestamptz' },
  title: { by: 'lower(title)', direction: 'asc', type: 'text' },
  'title-up': { by: 'lower(title)', direction: 'desc', type: 'text' },
};

/** The conditions of each facet, so that each can be counted without its own; on documents, or where state and age are columns. */
function conditionsOf(
  filter: DocumentFilter,
  { state, age } = { state: DOCUMENT_STATE, age: AGE },
): Record<'platform' | 'integration' | 'category' | 'state' | 'age', Cond> {
  const category: Cond = filter.uncategorised
    ? ['category is null', []]
    : filter.category === undefined
      ? ALL
      : ['category = ?', [filter.category]];
  return {
    platform: filter.platform ? ['platform = ?', [filter.platform]] : ALL,
    integration: inIntegration(filter.integrationId),
    category,
    state: filter.state ? [`${state} = ?`, [filter.state]] : ALL,
    age: filter.age ? [`${age} = ?`, [filter.age]] : ALL,
  };
}

const inIntegration = (id: string | undefined): Cond => {
  if (id === undefined) return ALL;
  return isUuid(id) ? ['integration_id = ?', [id]] : ['false', []];
};
type Cond = [sql: string, bindings: string[]];
const ALL: Cond = ['true', []];

function withWords(db: Knex, userId: string, q: string | undefined): Knex.QueryBuilder {
  const query = db('documents').where({ user_id: userId });
  for (const word of (q ?? '').split(/\s+/).filter(Boolean).slice(0, 10)) {
    const like = `%${word.replaceAll(/[\\%_]/g, '\\$&')}%`;
    query.where((either) => void either.whereILike('title', like).orWhereILike('path', like));
  }
  return query;
}

/** The user's documents that a filter lets through. */
export function matchingDocuments(db: Knex, userId: string, filter: DocumentFilter): Knex.QueryBuilder {
  const query = withWords(db, userId, filter.q);
  for (const condition of Object.values(conditionsOf(filter))) if (condition !== ALL) query.whereRaw(...condition);
  return query;
}

/** One page. A cursor of another sort begins anew. */
export async function listDocuments(
  db: Knex,
  userId: string,
  filter: DocumentFilter & { sort?: DocumentSort },
  cursor?: string,
): Promise<{ documents: DocumentSummary[]; nextCursor?: string }> {
  const { sort = 'imported' } = filter;
  const { by, direction, type } = SORTS[sort];
  const page = matchingDocuments(db, userId, filter)
    .select(...DOCUMENT_COLUMNS, db.raw(`${DOCUMENT_STATE} as state`), db.raw(`(${by})::text as cursor_at`))
    .orderByRaw(`${by} ${direction}, id ${direction}`)
    .limit(PAGE + 1);
  const [key, at, id] = readCursor(cursor, 3) ?? [];
  if (key === sort && at !== undefined && id !== undefined && isValue(at, type) && isUuid(id))
    page.whereRaw(`(${by}, id) ${direction === 'asc' ? '>' : '<'} (?::${type}, ?::uuid)`, [at, id]);
  const rows = (await page) as (DocumentRow & { cursor_at: string })[];
  const last = rows.length > PAGE ? rows[PAGE - 1] : undefined;
  return {
    documents: rows.slice(0, PAGE).map(toSummary),
    nextCursor: last && writeCursor(sort, last.cursor_at, last.id),
  };
}

const isValue = (at: string, type: 'text' | 'timestamptz'): boolean =>
  type === 'text' ? !at.includes('\0') : /^-?infinity$/.test(at) || !Number.isNaN(Date.parse(at));

type FacetRow = {
  of: number;
  platform: Platform;
  integration_id: string | null;
  category: string | null;
  state: DocumentState;
  age: DocumentAge;
  count: string;
};

/**
 * All facets in one pass over the user's documents. Those that are alike in what facets go by, of which there are few, are counted first; each
 * such group then counts for every facet whose other conditions it meets.
 */
export async function countFacets(db: Knex, userId: string, filter: DocumentFilter): Promise<DocumentFacets> {
  const conditions = conditionsOf(filter, { state: 'state', age: 'age' });
  const names = Object.keys(conditions) as (keyof typeof conditions)[];
  const own = ['platform', 'integration_id', 'category', 'followed'];
  const alike = withWords(db, userId, filter.q)
    .select(...own, db.raw(`${AGE} as age`), db.raw('count(*) as n'))
    .groupBy(...own, 'age');
  const met = db.raw(
    names.map((name) => `(${conditions[name][0]}) as in_${name}`).join(', '),
    names.flatMap((name) => conditions[name][1]),
  );
  const without = (left?: string) =>
    names
      .filter((name) => name !== left)
      .map((name) => `in_${name}`)
      .join(' and ');
  const columns = ['platform', 'integration_id', 'category', 'state', 'age'];
  // A bit of grouping() is set for each column that a row is not about.
  const counted = columns
    .map((_column, at) => `when ${31 - (16 >> at)} then sum(n) filter (where ${without(names[at])})`)
    .join(' ');
  const { rows } = (await db.raw(
    `with alike as (?), stated as (select *, ${DOCUMENT_STATE} as state from alike), found as (select *, ? from stated)
     select grouping(${columns.join(', ')}) as of, ${columns.join(', ')},
       case grouping(${columns.join(', ')}) ${counted} else sum(n) filter (where ${without()}) end as count
     from found group by grouping sets (${columns.map((column) => `(${column})`).join(', ')}, ())
     order by count desc nulls last, category`,
    [alike, met],
  )) as { rows: FacetRow[] };
  const of = <T>(at: number, value: (row: FacetRow) => T): { value: T; count: number }[] =>
    rows
      .filter((row) => row.of === 31 - (16 >> at) && Number(row.count) > 0)
      .map((row) => ({ value: value(row), count: Number(row.count) }));
  return {
    total: Number(rows.find((row) => row.of === 31)?.count ?? 0),
    platforms: of(0, (row) => row.platform),
    integrations: of(1, (row) => row.integration_id).filter((one): one is { value: string; count: number } =>
      Boolean(one.value),
    ),
    categories: of(2, (row) => row.category ?? undefined).slice(0, CATEGORIES),
    states: of(3, (row) => row.state),
    ages: of(4, (row) => row.age),
  };
}

/** In the order of the alphabet, each looked up behind the one before: however many documents there are. */
export async function listCategories(db: Knex, userId: string): Promise<string[]> {
  const { rows } = await db.raw<{ rows: { category: string }[] }>(
    `with recursive known as (
       (select category from documents where user_id = :userId and category is not null order by category limit 1)
       union all
       select (
         select d.category from documents d where d.user_id = :userId and d.category > known.category order by d.category limit 1
       ) from known where known.category is not null
     )
     select category from known where category is not null limit :limit`,
    { userId, limit: CATEGORIES },
  );
  return rows.map((row) => row.category);
}

export async function hasDocuments(db: Knex, userId: string): Promise<boolean> {
  return (await db('documents').where({ user_id: userId }).first('id')) !== undefined;
}
