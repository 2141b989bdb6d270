import { z } from 'zod';
import { lastInstant } from '../services/search-service.ts';
import { day } from './filters-form.ts';

const MAX_FOLDER = 2_000;

const text = z.string().trim().catch('');

/** The filters of the search page: what is left empty filters nothing. */
export const searchForm = z.object({
  integrationId: text.transform((typed) => typed || undefined),
  folder: text
    .refine(
      (typed) => typed.length <= MAX_FOLDER,
      `The folder may have at most ${MAX_FOLDER.toLocaleString('en')} characters.`,
    )
    .transform((typed) => typed || undefined),
  modifiedFrom: day.transform((typed) => (typed === '' ? undefined : new Date(typed))),
  modifiedTo: day.transform((typed) => (typed === '' ? undefined : lastInstant(typed))),
});

export const SEARCH_FIELDS = ['integrationId', 'folder', 'modifiedFrom', 'modifiedTo'] as const;
