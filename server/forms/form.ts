import type { z } from 'zod';

/** One message beside one field; its words are what the person reads. */
export type FieldError = { field: string; message: string };

export type ParsedForm<T> = { ok: true; values: T } | { ok: false; errors: FieldError[] };

/** Checks a posted body against a form's schema: invalid input is a value, with one message a field. */
export function parseForm<S extends z.ZodType>(schema: S, body: unknown): ParsedForm<z.output<S>> {
  const parsed = schema.safeParse(body ?? {});
  if (parsed.success) return { ok: true, values: parsed.data };
  const errors: FieldError[] = [];
  for (const issue of parsed.error.issues) {
    const field = issue.path.map(String).join('.');
    if (!errors.some((error) => error.field === field)) errors.push({ field, message: issue.message });
  }
  return { ok: false, errors };
}

/** What was typed, to be shown again beside the errors; passwords and codes are never sent back. */
export function typedValues(body: unknown, fields: string[]): Record<string, string> {
  const sent = (body ?? {}) as Record<string, unknown>;
  return Object.fromEntries(fields.map((field) => [field, typeof sent[field] === 'string' ? sent[field] : '']));
}
