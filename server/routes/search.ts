import { Router } from 'express';
import { PLATFORMS, type Platform } from '../../providers/provider.ts';
import type { Context } from '../context.ts';
import { InvalidInputError } from '../errors.ts';
import { plural, platformLabel } from '../format.ts';
import type { FieldError } from '../forms/form.ts';
import { excerpt, highlight, queryStems } from '../highlight.ts';
import { currentUser, queryValue } from '../middleware/request.ts';
import { paths } from '../paths.ts';
import { SEARCH_MODES, type SearchMode, type SearchResult } from '../services/search-service.ts';
import { render } from '../views.ts';
import type { ResultGroup } from './search-views.ts';

const LIMIT = 20;

/** Passages of one document that stand open, so that no document pushes the others out of sight. */
const OPEN_PASSAGES = 3;

const MODE_LABELS: Record<SearchMode, string> = {
  hybrid: 'Words and meaning',
  semantic: 'Meaning only',
  keyword: 'Words only',
};

/** The search page: passages, grouped by the document they stand in, in the order of the best passage of each. */
export function searchRoutes(context: Context): Router {
  const router = Router();
  const { documents, search } = context;

  const toGroups = (results: SearchResult[], query: string): ResultGroup[] => {
    const stems = queryStems(query);
    const groups = new Map<string, ResultGroup>();
    for (const result of results) {
      const group: ResultGroup = groups.get(result.documentId) ?? {
        documentId: result.documentId,
        title: highlight(result.title, stems),
        path: result.path,
        platform: result.sourceType,
        label: platformLabel(context.definitions, result.sourceType),
        url: result.url,
        passages: [],
        more: [],
        moreText: '',
      };
      groups.set(result.documentId, group);
      const full = group.passages.length >= OPEN_PASSAGES;
      (full ? group.more : group.passages).push({
        href: paths.documentChunk(result.documentId, result.ordinal),
        headingPath: result.headingPath,
        page: result.page,
        parts: highlight(excerpt(result.text, stems), stems),
        confidence: `${Math.round(result.confidence * 100)}% match`,
      });
      if (full) group.moreText = plural(group.more.length, 'more passage');
    }
    return [...groups.values()];
  };

  router.get('/admin/search', async (req, res) => {
    const user = currentUser(req);
    const sent = queryValue(req, 'q');
    const query = sent?.trim() ?? '';
    const asked = { platform: queryValue(req, 'platform'), mode: queryValue(req, 'mode') };
    const platform: Platform | undefined = PLATFORMS.find((known) => known === asked.platform);
    const mode = SEARCH_MODES.find((known) => known === asked.mode) ?? 'hybrid';
    const category = queryValue(req, 'category');
    const [{ total }, categories] = await Promise.all([documents.list(user), documents.categories(user)]);

    let results: SearchResult[] | undefined;
    let notice: string | undefined;
    let errors: FieldError[] | undefined;
    if (query !== '') {
      try {
        const onWordsOnly = (sentence: string) => (notice = sentence);
        results = await search.search(user, { query, limit: LIMIT, platform, category, mode, onWordsOnly });
      } catch (error) {
        if (!(error instanceof InvalidInputError)) throw error;
        errors = [{ field: 'q', message: error.message }];
        res.status(422);
      }
    }
    const groups = results && toGroups(results, query);
    render(res, 'search/index', {
      title: query && !errors ? `Search: ${query}` : 'Search',
      section: 'search',
      query,
      filter: { platform: platform ?? '', category: category ?? '', mode },
      platforms: context.definitions.map(({ id, label }) => ({ id, label })),
      categories,
      modes: SEARCH_MODES.map((id) => ({ id, label: MODE_LABELS[id] })),
      groups,
      notice,
      found: groups ? `${plural(results?.length ?? 0, 'passage')} in ${plural(groups.length, 'document')}` : '',
      withoutFilters: platform || category || mode !== 'hybrid' ? paths.search({ q: query }) : undefined,
      hasDocuments: total > 0,
      errors,
    });
  });

  return router;
}
