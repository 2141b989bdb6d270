import { z } from 'zod';
import { FILE_GROUPS } from '../services/file-groups.ts';
import { isNamePattern, MAX_NAME_PATTERN } from '../services/import-filters.ts';

const bytes = z.int('must be a whole number of bytes').min(1, 'must be at least 1');

/** A day or a time with its offset, as it was written. */
export const instant = z.union([z.iso.date(), z.iso.datetime({ offset: true })], {
  error: 'must be a day or an ISO 8601 time, for example 2026-03-01',
});

const members = {
  types: z.array(z.enum(FILE_GROUPS, { error: `must be one of ${FILE_GROUPS.join(', ')}` })).optional(),
  minBytes: bytes.optional(),
  maxBytes: bytes.optional(),
  namePattern: z
    .string()
    .trim()
    .max(MAX_NAME_PATTERN, `must have at most ${MAX_NAME_PATTERN} characters`)
    .refine(isNamePattern, 'must name something, for example *.pdf, !draft*')
    .refine((pattern) => !/[\p{Cc}\p{Cs}]/u.test(pattern), 'must not hold control characters')
    .optional(),
  modifiedAfter: instant.optional(),
};

/** What an import is to leave out of what it lists. */
export const importFilters = z
  .strictObject(members)
  .refine(({ minBytes = 0, maxBytes = Infinity }) => minBytes <= maxBytes, {
    path: ['minBytes'],
    error: 'must not be above maxBytes',
  });

/** Members that filter nothing are left out. */
export const filtersAnswer = z.strictObject(members);

const count = z.int().min(0);
const tally = {
  files: count,
  bytes: count,
  importable: count,
  importableBytes: count,
  sizeUnknown: count,
  unchanged: count,
  filtered: count,
  unsupported: z.array(z.strictObject({ reason: z.string(), count })),
};

/** What an import would find. `files` is the sum of `importable`, `unchanged`, `filtered` and the counts of `unsupported`. */
export const estimateAnswer = z.strictObject({
  complete: z.boolean(),
  ...tally,
  accounts: z.array(z.strictObject({ integrationId: z.uuid(), platform: z.string(), complete: z.boolean(), ...tally })),
  problems: z.array(z.strictObject({ integrationId: z.uuid(), code: z.string(), message: z.string() })),
});
