import { z } from 'zod';
import { newUserSchema } from '../services/user-service.ts';

/** A new user, made by an admin. */
export const userForm = newUserSchema.extend({ role: z.enum(['admin', 'member'], { error: 'Choose a role.' }) });
