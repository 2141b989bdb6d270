import { z } from 'zod';
import { newUserSchema } from '../services/user-service.ts';

/** What a user may do. */
export const roleForm = z.object({ role: z.enum(['admin', 'member'], { error: 'Choose a role.' }) });

/** A new user, made by an admin. */
export const userForm = newUserSchema.extend(roleForm.shape);
