import { AppError, InvalidInputError } from '../errors.ts';
import type { FieldError } from './form.ts';

/** Conflicts that belong beside a field, by their code. */
const CONFLICTS: Record<string, string> = { email_taken: 'email', too_many_tokens: 'name', last_admin: 'role' };

/** What a service says about a field, to stand beside it; anything else is thrown on. */
export function fieldErrors(error: unknown): FieldError[] {
  if (error instanceof InvalidInputError) return error.details.errors as FieldError[];
  const field = error instanceof AppError ? CONFLICTS[error.code] : undefined;
  if (error instanceof AppError && field) return [{ field, message: error.message }];
  throw error;
}
