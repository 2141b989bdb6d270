import { z } from 'zod';

const DAYS = 'Enter a whole number of days from 1 to 3,650, or leave it empty.';

/** A new API token; `days` empty means that it does not expire. */
export const tokenForm = z.object({
  name: z
    .string({ error: 'Enter a name, for example what the token is for.' })
    .trim()
    .min(1, 'Enter a name, for example what the token is for.')
    .max(100, 'The name may have at most 100 characters.'),
  days: z
    .string()
    .trim()
    .default('')
    .transform((value, context) => {
      if (value === '') return undefined;
      const days = /^\d{1,4}$/.test(value) ? Number(value) : 0;
      if (days >= 1 && days <= 3650) return days;
      context.addIssue({ code: 'custom', message: DAYS });
      return z.NEVER;
    }),
});
