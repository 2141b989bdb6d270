import type { Context } from '../context.ts';
import { accountLabel, formatCount, platformLabel } from '../format.ts';
import type { DocumentFilterValues } from '../forms/document-forms.ts';
import { paths } from '../paths.ts';
import {
  DOCUMENT_SORTS,
  type DocumentAge,
  type DocumentFacets,
  type DocumentSort,
  type DocumentState,
} from '../services/document-filter.ts';
import type { Integration } from '../services/integration-service.ts';
import type { Facet, SortLinks } from './document-views.ts';

export const STATE_LABELS: Record<DocumentState, string> = {
  followed: 'Followed',
  once: 'Imported once',
  paused: 'Paused',
  disconnected: 'Disconnected',
};

const SORT_LABELS: Record<DocumentSort, string> = {
  imported: 'Last imported first',
  'imported-up': 'First imported first',
  changed: 'Last changed first',
  'changed-up': 'First changed first',
  title: 'Title, A to Z',
  'title-up': 'Title, Z to A',
};

const AGE_LABELS: Record<DocumentAge, string> = {
  week: 'In the last 7 days',
  month: '8 to 30 days ago',
  year: '1 to 12 months ago',
  older: 'Over a year ago',
  unknown: 'Not known',
};

type Value = { label: string; count: number; chosen: boolean; change: Partial<DocumentFilterValues> };

/** The facets as links that each change one filter; what is chosen stays in sight, also where nothing is left of it. The order comes last. */
export function toFacets(
  { definitions }: Context,
  accounts: Integration[],
  values: DocumentFilterValues,
  facets: DocumentFacets,
): Facet[] {
  const facet = (title: string, rows: Value[]): Facet => ({
    title,
    values: rows
      .filter(({ count, chosen }) => count > 0 || chosen)
      .map(({ label, count, chosen, change }) => ({
        label,
        count: formatCount(count),
        chosen,
        // A second click takes the filter away.
        href: paths.documents({
          ...values,
          ...(chosen ? Object.fromEntries(Object.keys(change).map((name) => [name, undefined])) : change),
        }),
      })),
  });
  const countOf = <T>(counts: { value: T; count: number }[], value: T): number =>
    counts.find((one) => one.value === value)?.count ?? 0;
  const categories = facets.categories.flatMap(({ value, count }): Value[] =>
    value === undefined
      ? []
      : [
          {
            label: value,
            count,
            chosen: values.category === value,
            change: { category: value, uncategorised: undefined },
          },
        ],
  );
  if (values.category !== undefined && !categories.some(({ chosen }) => chosen))
    categories.push({ label: values.category, count: 0, chosen: true, change: { category: values.category } });
  return [
    facet(
      'Source',
      definitions.map(({ id, label }) => ({
        label,
        count: countOf(facets.platforms, id),
        chosen: values.platform === id,
        change: { platform: id },
      })),
    ),
    facet(
      'Account',
      accounts.map((account) => ({
        label: `${accountLabel(account)}, ${platformLabel(definitions, account.platform)}`,
        count: countOf(facets.integrations, account.id),
        chosen: values.integration === account.id,
        change: { integration: account.id },
      })),
    ),
    facet('Category', [
      ...categories,
      {
        label: 'No category',
        count: countOf(facets.categories, undefined),
        chosen: values.uncategorised === 'yes',
        change: { uncategorised: 'yes', category: undefined },
      },
    ]),
    facet(
      'Sync',
      (Object.keys(STATE_LABELS) as DocumentState[]).map((state) => ({
        label: STATE_LABELS[state],
        count: countOf(facets.states, state),
        chosen: values.state === state,
        change: { state },
      })),
    ),
    facet(
      'Changed at its source',
      (Object.keys(AGE_LABELS) as DocumentAge[]).map((age) => ({
        label: AGE_LABELS[age],
        count: countOf(facets.ages, age),
        chosen: values.age === age,
        change: { age },
      })),
    ),
    {
      title: 'Order',
      values: DOCUMENT_SORTS.map((sort) => ({
        label: SORT_LABELS[sort],
        count: '',
        chosen: (values.sort ?? 'imported') === sort,
        href: paths.documents({ ...values, sort }),
      })),
    },
  ].filter(({ values: rows }) => rows.length > 0);
}

/** The first click on a column sorts as is usual for it, the second the other way round. */
export function toSortLinks(values: DocumentFilterValues): SortLinks {
  const { sort = 'imported' } = values;
  const link = (own: DocumentSort, other: DocumentSort, ascending: boolean): SortLinks['title'] => ({
    href: paths.documents({ ...values, sort: sort === own ? other : own }),
    order: sort === own || sort === other ? ((sort === own) === ascending ? 'ascending' : 'descending') : undefined,
  });
  return {
    title: link('title', 'title-up', true),
    changed: link('changed', 'changed-up', false),
    imported: link('imported', 'imported-up', false),
  };
}
