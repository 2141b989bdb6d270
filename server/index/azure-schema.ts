import type { SearchIndex } from '@azure/search-documents';

/** Numbers of a vector that the service takes. Source: https://learn.microsoft.com/azure/search/search-limits-quotas-capacity */
export const DIMENSIONS = { least: 2, most: 4096 };
export const SEMANTIC_CONFIGURATION = 'passages';

type Field = {
  name: string;
  type: string;
  key?: boolean;
  searchable?: boolean;
  filterable?: boolean;
  hidden?: boolean;
  analyzerName?: string;
  vectorSearchDimensions?: number;
  vectorSearchProfileName?: string;
};

const kept = { searchable: false, filterable: false, sortable: false, facetable: false, hidden: false };

/**
 * The index as the hub makes it: one entry for each passage of a copy. Words are searched in `terms`, which the hub split itself (the rules hold
 * for all languages and for identifiers, see terms.ts), so that its analyzer parts at spaces alone; `title` and `content` are what the
 * semantic ranker reads. Vectors stay stored: without that, changing any other field would lose them.
 * Source: https://learn.microsoft.com/azure/search/vector-search-how-to-storage-options
 */
export function azureIndex(name: string, dimensions: number): SearchIndex {
  const filtered = { ...kept, filterable: true };
  const read = { ...kept, searchable: true, analyzerName: 'standard.lucene' };
  const fields = [
    { ...kept, name: 'id', type: 'Edm.String', key: true },
    { ...filtered, name: 'copy', type: 'Edm.String' },
    { ...kept, name: 'ordinal', type: 'Edm.Int32' },
    { ...filtered, name: 'userId', type: 'Edm.String' },
    { ...filtered, name: 'platform', type: 'Edm.String' },
    { ...filtered, name: 'category', type: 'Edm.String' },
    { ...filtered, name: 'integrationId', type: 'Edm.String' },
    { ...filtered, name: 'folders', type: 'Collection(Edm.String)' },
    { ...filtered, name: 'modifiedAt', type: 'Edm.DateTimeOffset' },
    { ...read, name: 'title', type: 'Edm.String' },
    { ...read, name: 'content', type: 'Edm.String' },
    { ...kept, name: 'terms', type: 'Edm.String', searchable: true, hidden: true, analyzerName: 'whitespace' },
    {
      name: 'vector',
      type: 'Collection(Edm.Single)',
      searchable: true,
      hidden: true,
      vectorSearchDimensions: dimensions,
      vectorSearchProfileName: 'vectors',
    },
  ];
  return {
    name,
    fields: fields as SearchIndex['fields'],
    vectorSearch: {
      algorithms: [{ name: 'graph', kind: 'hnsw', parameters: { metric: 'cosine' } }],
      profiles: [{ name: 'vectors', algorithmConfigurationName: 'graph' }],
    },
    semanticSearch: {
      configurations: [
        {
          name: SEMANTIC_CONFIGURATION,
          prioritizedFields: { titleField: { name: 'title' }, contentFields: [{ name: 'content' }] },
        },
      ],
    },
  };
}

/** The length of the vectors that an index takes; undefined for one that is not the hub's. */
export const lengthIn = (found: SearchIndex): number | undefined =>
  (found.fields as Field[]).find(({ name }) => name === 'vector')?.vectorSearchDimensions;

/** What keeps an index that is there from being used, as the end of a sentence; undefined when nothing does. More fields than the hub's are no fault. */
export function misfitOf(found: SearchIndex, wanted: SearchIndex): string | undefined {
  const fields = new Map((found.fields as Field[]).map((field) => [field.name, field]));
  for (const want of wanted.fields as Field[]) {
    const field = fields.get(want.name);
    if (!field) return `it has no field “${want.name}”`;
    if (field.type !== want.type) return `its field “${want.name}” is ${field.type} and not ${want.type}`;
    if (want.vectorSearchDimensions !== undefined && field.vectorSearchDimensions !== want.vectorSearchDimensions)
      return `its vectors have ${field.vectorSearchDimensions ?? 'no'} numbers and those of the embedder ${want.vectorSearchDimensions}`;
    if ((field.analyzerName ?? undefined) !== want.analyzerName)
      return `its field “${want.name}” has the analyzer ${field.analyzerName ?? 'standard.lucene'} and not ${want.analyzerName}`;
    for (const [attribute, called] of [
      ['key', 'the key'],
      ['searchable', 'searchable'],
      ['filterable', 'filterable'],
    ] as const)
      if (want[attribute] && !field[attribute]) return `its field “${want.name}” is not ${called}`;
    if (want.hidden === false && field.hidden === true) return `its field “${want.name}” is not retrievable`;
  }
  return undefined;
}
