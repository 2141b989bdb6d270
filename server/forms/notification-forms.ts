import { z } from 'zod';
import { CHANNELS } from '../notifications/events.ts';

/** Which channel an admin tries. */
export const testForm = z.object({
  channel: z.enum(CHANNELS, { error: 'Choose whether mail or the webhook is to be tried.' }),
});
