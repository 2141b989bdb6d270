import { z } from 'zod';
import { newUserSchema } from '../services/user-service.ts';

/** How the user is called. */
export const nameForm = newUserSchema.pick({ name: true });

/** A new password, which only who knows the present one may choose. */
export const passwordForm = newUserSchema.pick({ password: true }).extend({
  present: z
    .string({ error: 'Enter your present password.' })
    .min(1, 'Enter your present password.')
    .max(1000, 'Enter your present password.'),
});

/** The first password of a user who signs in by an account of another service. */
export const firstPasswordForm = newUserSchema.pick({ password: true });

/** What an invited person chooses. */
export const invitedForm = newUserSchema.pick({ name: true, password: true });
