import { z } from 'zod';

/** Which item is to be tried again; all that failed where none is named. */
export const retryForm = z.object({ itemId: z.string('This item is not known.').optional() });
