import type { SearchQuery } from './index.ts';
import { SEMANTIC_CONFIGURATION } from './azure-schema.ts';
import type { AzureQuery } from './azure-client.ts';
import { queryTerms } from './terms.ts';

/** Neighbours that the semantic arm hands to the fusion. */
const NEIGHBOURS = 100;
/** The ranker reads so many of the best passages. Source: https://learn.microsoft.com/azure/search/semantic-search-overview */
const RANKED = 50;

/**
 * A search in Azure's words; undefined where nothing can be found. By words and by meaning at once it fuses the two by rank
 * (https://learn.microsoft.com/azure/search/hybrid-search-ranking). `without`: copies that are not shown any more.
 */
export function toAzureQuery(
  query: SearchQuery,
  options: { dimensions: number; semanticWeight: number; ranker: boolean; without: string[] },
): AzureQuery | undefined {
  const { embedding, mode, limit } = query;
  const hasVector = mode !== 'keyword' && embedding?.length === options.dimensions && embedding.some((n) => n !== 0);
  const terms = mode === 'semantic' && hasVector ? [] : queryTerms(query.text);
  if (terms.length === 0 && !hasVector) return undefined;
  const ranked = options.ranker && mode !== 'keyword';
  return {
    text: terms.length > 0 ? terms.map(escapeTerm).join(' ') : undefined,
    options: {
      filter: filterOf(query, options.without),
      top: ranked ? Math.max(limit, RANKED) : limit,
      select: ['copy', 'ordinal'],
      searchFields: ['terms'],
      searchMode: 'any',
      ...(hasVector && {
        vectorSearchOptions: {
          filterMode: 'preFilter',
          queries: [
            {
              kind: 'vector',
              vector: [...(embedding as Float32Array)],
              fields: ['vector'],
              kNearestNeighborsCount: NEIGHBOURS,
              ...(terms.length > 0 && { weight: options.semanticWeight }),
            },
          ],
        },
      }),
      ...(ranked && {
        queryType: 'semantic',
        semanticSearchOptions: {
          configurationName: SEMANTIC_CONFIGURATION,
          // The ranker reads sentences, not terms.
          semanticQuery: query.text,
          errorMode: 'partial',
        },
      }),
    },
  };
}

/** What a search may find, in OData: the user's own passages, within what was asked for. */
export function filterOf(query: SearchQuery, without: string[] = []): string {
  const conditions = [`userId eq ${literal(query.userId)}`];
  if (query.platform !== undefined) conditions.push(`platform eq ${literal(query.platform)}`);
  if (query.category !== undefined) conditions.push(`category eq ${literal(query.category)}`);
  if (query.integrationId !== undefined) conditions.push(`integrationId eq ${literal(query.integrationId)}`);
  if (query.folder !== undefined) conditions.push(`folders/any(folder: folder eq ${literal(query.folder)})`);
  if (query.modifiedFrom) conditions.push(`modifiedAt ge ${query.modifiedFrom.toISOString()}`);
  if (query.modifiedTo) conditions.push(`modifiedAt le ${query.modifiedTo.toISOString()}`);
  if (without.length > 0) conditions.push(`not search.in(copy, ${literal(without.join(','))}, ',')`);
  return conditions.join(' and ');
}

/** The passages of one copy. */
export const copyFilter = (copy: string): string => `copy eq ${literal(copy)}`;

/** Quotes are doubled. Source: https://learn.microsoft.com/azure/search/query-odata-filter-orderby-syntax#escaping-special-characters-in-string-constants */
const literal = (value: string): string => `'${value.replaceAll(/[\0\p{Surrogate}]/gu, '').replaceAll("'", "''")}'`;

/** Operators of the simple syntax are letters as any other. Source: https://learn.microsoft.com/azure/search/query-simple-syntax#escaping-search-operators */
const escapeTerm = (term: string): string => term.replace(/[-+|"()'\\*~&!{}[\]^?:/]/g, '\\$&');

/** A path and the folders above it: what is in a folder at any depth is found by one comparison. Very long ones are left out, a filter cannot hold them. */
export function foldersOf(path: string): string[] {
  const folders = [path];
  for (let at = path.lastIndexOf('/'); at > 0; at = path.lastIndexOf('/', at - 1)) folders.push(path.slice(0, at));
  return folders.filter((folder) => folder !== '' && folder.length <= 8000);
}
