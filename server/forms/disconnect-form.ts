import { z } from 'zod';

/** What becomes of the documents when an account is disconnected. */
export const disconnectForm = z.object({
  documents: z.enum(['keep', 'delete'], { error: 'Choose whether the documents are kept or deleted.' }),
});
