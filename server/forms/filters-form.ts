import { z } from 'zod';
import { FILE_GROUPS, type FileGroup } from '../services/file-groups.ts';
import { cleanFilters, isNamePattern, MAX_NAME_PATTERN, type ImportFilters } from '../services/import-filters.ts';

/** The filters as they stand in the form. */
export type TypedFilters = {
  types: FileGroup[];
  minSize: string;
  maxSize: string;
  namePattern: string;
  modifiedAfter: string;
};

const UNITS: Record<string, number> = { b: 1, byte: 1, bytes: 1, kb: 1e3, mb: 1e6, gb: 1e9 };
/** Clocks differ, and so do days: what is tomorrow here may be today for the reader. */
const DAY_MS = 86_400_000;

/** Bytes of "500 kB", "1.5 MB" or "10", which is in MB; undefined for anything else. */
function bytesOf(typed: string): number | undefined {
  const [, number = '', unit = ''] = /^(\d{1,12}(?:[.,]\d{1,6})?) ?([a-z]*)$/i.exec(typed) ?? [];
  const factor = UNITS[unit.toLowerCase() || 'mb'];
  if (number === '' || factor === undefined) return undefined;
  const bytes = Math.round(Number(number.replace(',', '.')) * factor);
  return bytes > 0 && Number.isSafeInteger(bytes) ? bytes : undefined;
}

const text = z.string().trim().default('');

const size = text.transform((typed, context): number | undefined => {
  const bytes = typed === '' ? undefined : bytesOf(typed);
  if (typed !== '' && bytes === undefined)
    context.addIssue({ code: 'custom', message: 'Enter a size such as 500 kB or 10 MB.' });
  return bytes;
});

const namePattern = text
  .refine(
    (typed) => typed.length <= MAX_NAME_PATTERN,
    `The name patterns may have at most ${MAX_NAME_PATTERN} characters.`,
  )
  .refine(
    (typed) => typed === '' || (isNamePattern(typed) && !/[\p{Cc}\p{Cs}]/u.test(typed)),
    'Enter names such as *.pdf or !draft*, separated by commas.',
  );

/** A day as a form's field sends it, or nothing. */
export const day = text.refine(
  (typed) => typed === '' || z.iso.date().safeParse(typed).success,
  'Enter a date as year, month and day, such as 2026-03-01.',
);

const pastDay = day.refine(
  (typed) => !(Date.parse(typed) > Date.now() + DAY_MS),
  'This date lies in the future, so nothing would be imported.',
);

/** One value, several or none, as a form sends boxes of one name. */
const listed = (value: unknown): unknown[] =>
  value === undefined ? [] : Array.isArray(value) ? (value as unknown[]) : [value];

/** Of boxes that somebody else made up, none is ticked. */
const groups = (value: unknown): FileGroup[] => FILE_GROUPS.filter((group) => listed(value).includes(group));

/** The filters of an import: what is left empty filters nothing. */
export const filtersForm = z
  .object({
    types: z.unknown().optional().transform(groups),
    minSize: size,
    maxSize: size,
    namePattern,
    modifiedAfter: pastDay,
  })
  .refine(({ minSize = 0, maxSize = Infinity }) => minSize <= maxSize, {
    path: ['minSize'],
    error: 'The smallest size is above the largest.',
  })
  .transform((typed): ImportFilters | undefined =>
    cleanFilters({
      types: typed.types,
      minBytes: typed.minSize,
      maxBytes: typed.maxSize,
      namePattern: typed.namePattern,
      modifiedAfter: typed.modifiedAfter || undefined,
    }),
  );

const MAX_KEPT = 300;

/** What stands in the form, right or wrong, to be shown again. */
export function typedFilters(body: unknown): TypedFilters {
  const sent = (body ?? {}) as Record<string, unknown>;
  const typed = (name: string): string => (typeof sent[name] === 'string' ? sent[name].slice(0, MAX_KEPT) : '');
  return {
    types: groups(sent.types),
    minSize: typed('minSize'),
    maxSize: typed('maxSize'),
    namePattern: typed('namePattern'),
    modifiedAfter: typed('modifiedAfter'),
  };
}
