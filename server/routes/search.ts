import { Router } from 'express';
import { PLATFORMS, type Platform } from '../../providers/provider.ts';
import { closedSignal } from '../api/connection.ts';
import { ASKED_PER_MINUTE, streamAnswer } from '../api/ask.ts';
import { rateLimit } from '../api/authentication.ts';
import type { Context } from '../context.ts';
import { InvalidInputError } from '../errors.ts';
import { accountLabel, plural, platformLabel } from '../format.ts';
import { parseForm, typedValues, type FieldError } from '../forms/form.ts';
import { SEARCH_FIELDS, searchForm } from '../forms/search-form.ts';
import { excerpt, highlight, queryStems } from '../highlight.ts';
import { currentUser, queryValue } from '../middleware/request.ts';
import { paths } from '../paths.ts';
import { SEARCH_MODES, type SearchMode, type SearchResult } from '../services/search-service.ts';
import type { Answer } from '../services/ask-service.ts';
import { render, renderText } from '../views.ts';
import { toAnswerView } from './answer-view.ts';
import { embedderViewFor } from './embedder-view.ts';
import type { ResultGroup } from './search-views.ts';

type TypedFilters = Record<(typeof SEARCH_FIELDS)[number], string>;

const LIMIT = 20;

/** Passages of one document that stand open, so that no document pushes the others out of sight. */
const OPEN_PASSAGES = 3;

const MODE_LABELS: Record<SearchMode, string> = {
  hybrid: 'Words and meaning',
  semantic: 'Meaning only',
  keyword: 'Words only',
};

/**
 * The search page. `?q=` finds passages, grouped by the document they stand in, in the order of the best passage of each. `?ask=` answers a
 * question; with `Accept: text/event-stream` as events, the last of which holds what the page would show.
 */
export function searchRoutes(context: Context): Router {
  const router = Router();
  const { ask, definitions, documents, integrations, search } = context;
  const limitAsking = rateLimit(ASKED_PER_MINUTE, 'questions');

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
      const byMeaning = result.confidence === 0;
      const full = group.passages.length >= OPEN_PASSAGES || (byMeaning && group.passages.length > 0);
      (full ? group.more : group.passages).push({
        href: paths.documentChunk(result.documentId, result.ordinal),
        headingPath: result.headingPath,
        page: result.page,
        parts: highlight(excerpt(result.text, stems), stems),
        confidence: byMeaning
          ? 'similar, without these words'
          : `${Math.max(1, Math.round(result.confidence * 100))}% match`,
      });
      if (full) group.moreText = plural(group.more.length, 'more passage');
    }
    return [...groups.values()];
  };

  // The form has one field and two buttons; a question's page has an address of its own.
  router.get('/admin/search', (req, res, next) => {
    const { q, do: way, mode: _mode, ...filters } = req.query as Record<string, string>;
    if (way === 'ask' && q) return res.redirect(303, paths.search({ ...filters, ask: q }));
    if (queryValue(req, 'ask') === undefined) return next();
    res.vary('Accept');
    return void limitAsking(req, res, next);
  });

  router.get('/admin/search', async (req, res) => {
    const user = currentUser(req);
    const sent = queryValue(req, 'q');
    const query = sent?.trim() ?? '';
    const question = queryValue(req, 'ask')?.trim() ?? '';
    const asked = { platform: queryValue(req, 'platform'), mode: queryValue(req, 'mode') };
    const platform: Platform | undefined = PLATFORMS.find((known) => known === asked.platform);
    const mode = SEARCH_MODES.find((known) => known === asked.mode) ?? 'hybrid';
    const category = queryValue(req, 'category');
    const typed = typedValues(req.query, [...SEARCH_FIELDS]);
    const isNarrowed = SEARCH_FIELDS.some((field) => typed[field] !== '');
    const form = parseForm(searchForm, req.query);
    const [hasDocuments, categories, accounts, embedderChange] = await Promise.all([
      documents.any(user),
      documents.categories(user),
      integrations.list(user),
      embedderViewFor(user, context.embedders),
    ]);

    const asking = question !== '';
    const input = { question, platform, category, ...(form.ok ? form.values : {}) };
    const viewOf = (found: Answer) => toAnswerView(found, { question, model: ask.model, definitions });
    if (asking && form.ok && req.accepts(['text/html', 'text/event-stream']) === 'text/event-stream')
      return streamAnswer(context, req, res, input, async (found) => ({
        html: await renderText(res, 'search/answer', { answer: viewOf(found) }),
      }));

    let results: SearchResult[] | undefined;
    let answer: Answer | undefined;
    let notice: string | undefined;
    let errors: FieldError[] | undefined = form.ok ? undefined : form.errors;
    if (query !== '' && !asking && form.ok) {
      try {
        const onWordsOnly = (sentence: string) => (notice = sentence);
        results = await search.search(user, {
          query,
          limit: LIMIT,
          platform,
          category,
          mode,
          ...form.values,
          onWordsOnly,
        });
      } catch (error) {
        if (!(error instanceof InvalidInputError)) throw error;
        errors = toFieldErrors(error);
      }
    }
    if (asking && hasDocuments && form.ok) {
      const leaving = closedSignal(res);
      try {
        answer = await ask.ask(user, input, { signal: leaving });
      } catch (error) {
        if (leaving.aborted) return;
        if (!(error instanceof InvalidInputError)) throw error;
        errors = toFieldErrors(error);
      }
    }
    if (errors) res.status(422);
    const groups = results && toGroups(results, query);
    render(res, 'search/index', {
      title: errors ? 'Search' : asking ? `Ask: ${question}` : query ? `Search: ${query}` : 'Search',
      section: 'search',
      asking,
      question,
      answer: answer && viewOf(answer),
      query,
      filter: { platform: platform ?? '', category: category ?? '', mode, ...(typed as TypedFilters) },
      foldOpen: isNarrowed,
      accounts: accounts.map((account) => ({
        id: account.id,
        label: `${platformLabel(context.definitions, account.platform)} (${accountLabel(account)})`,
      })),
      platforms: context.definitions.map(({ id, label }) => ({ id, label })),
      categories,
      modes: SEARCH_MODES.map((id) => ({ id, label: MODE_LABELS[id] })),
      groups,
      notice,
      found: groups ? `${plural(results?.length ?? 0, 'passage')} in ${plural(groups.length, 'document')}` : '',
      withoutFilters:
        platform || category || mode !== 'hybrid' || isNarrowed
          ? paths.search(asking ? { ask: question } : { q: query })
          : undefined,
      hasDocuments,
      embedderChange,
      errors,
    });
  });

  return router;
}

/** Query and question are typed into the same field. */
function toFieldErrors({ details }: InvalidInputError): FieldError[] {
  const found = details?.errors as FieldError[];
  return found.map(({ field, message }) => ({ field: ['query', 'question'].includes(field) ? 'q' : field, message }));
}
