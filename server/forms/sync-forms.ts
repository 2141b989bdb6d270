import { z } from 'zod';
import { SCHEDULE_NAMES, type ScheduleName } from '../services/sync-service.ts';

/** How often an account is synced, empty is never; and whether its vendor is to call, which a box that is not ticked does not send. */
export const scheduleForm = z.object({
  every: z
    .enum(['', ...SCHEDULE_NAMES], { error: 'Choose how often the account is to be synced.' })
    .transform((every): ScheduleName | null => (every === '' ? null : every)),
  webhooks: z
    .unknown()
    .optional()
    .transform((value) => value !== undefined),
});

/** What becomes of the documents that a held sync would remove. */
export const removalsForm = z.object({
  answer: z.enum(['remove', 'keep'], { error: 'Choose whether the documents are removed or kept.' }),
});
