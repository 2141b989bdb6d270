import { z } from 'zod';
import { PLATFORMS } from '../../providers/provider.ts';
import { DOCUMENT_AGES, DOCUMENT_SORTS, DOCUMENT_STATES, type DocumentFilter } from '../services/document-filter.ts';

const text = z
  .string()
  .optional()
  .catch(undefined)
  .transform((typed) => typed?.trim() || undefined);

/** The filters and the sort in the list's address; what is not known filters nothing. */
export const documentFilterForm = z.object({
  q: text,
  platform: z.enum(PLATFORMS).optional().catch(undefined),
  integration: text,
  category: text,
  uncategorised: z.literal('yes').optional().catch(undefined),
  state: z.enum(DOCUMENT_STATES).optional().catch(undefined),
  age: z.enum(DOCUMENT_AGES).optional().catch(undefined),
  sort: z.enum(DOCUMENT_SORTS).optional().catch(undefined),
});
export type DocumentFilterValues = z.output<typeof documentFilterForm>;

export const toFilter = ({ integration, uncategorised, sort: _, ...values }: DocumentFilterValues): DocumentFilter => ({
  ...values,
  integrationId: integration,
  uncategorised: uncategorised === 'yes',
});

const MAX_TICKED = 200;

export const BULK_ACTIONS = ['sync', 'category', 'delete'] as const;
export type BulkAction = (typeof BULK_ACTIONS)[number];

/** What is to be done to which documents: the ticked ones, or all that match the filters beside. */
export const bulkForm = documentFilterForm.extend({
  do: z.enum(BULK_ACTIONS, { error: 'Choose what is to be done with the documents.' }),
  which: z.enum(['ticked', 'all']).catch('ticked'),
  id: z
    .union([z.string().transform((one) => [one]), z.array(z.string())])
    .optional()
    .catch([])
    .transform((ids) => (ids ?? []).slice(0, MAX_TICKED)),
  /** What the documents are to be called by; empty takes the category away. */
  newCategory: z.string().catch(''),
  /** How many the question was about. */
  expected: z.coerce.number().int().optional().catch(undefined),
});
export type BulkValues = z.output<typeof bulkForm>;
