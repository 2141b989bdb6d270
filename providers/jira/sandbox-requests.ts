import type { Request } from 'express';
import { z } from 'zod';
import { badRequest, Refusal } from './sandbox-refusal.ts';

const text = z.string();
const texts = z.array(text);

/** Bodies of the calls that have one. Searches are never behind here, so that there is nothing to reconcile. */
export const searchBody = z.strictObject({
  jql: text.optional(),
  nextPageToken: text.nullish(),
  maxResults: z.number().int().optional(),
  fields: texts.optional(),
  expand: text.optional(),
  properties: texts.optional(),
  fieldsByKeys: z.boolean().optional(),
  reconcileIssues: z.array(z.number().int()).max(50).optional(),
});
export type SearchBody = z.infer<typeof searchBody>;
export const countBody = z.strictObject({ jql: text.optional() });
export const bulkBody = z.strictObject({
  issueIdsOrKeys: texts,
  fields: texts.optional(),
  expand: texts.optional(),
  properties: texts.optional(),
  fieldsByKeys: z.boolean().optional(),
});
export const parseBody = z.strictObject({ queries: texts.min(1) });

/** The body of a request as its schema has it. Errors: Refusal 400, 415. */
export function bodyOf<T>(req: Request, schema: z.ZodType<T>): T {
  if (!req.is('application/json')) throw new Refusal(415, 'Unsupported Media Type');
  const body = schema.safeParse(req.body);
  if (!body.success) throw badRequest('Invalid request payload. Refer to the REST API documentation and try again.');
  return body.data;
}

/** Every value of a parameter of the query, which may be given several times. */
export function all(req: Request, name: string): string[] {
  const value = req.query[name];
  return [value ?? []].flat().filter((one) => typeof one === 'string');
}

export const one = (req: Request, name: string): string | undefined => all(req, name)[0];

/** A whole number of the query. Errors: Refusal 400. */
export function number(req: Request, name: string): number | undefined {
  const given = one(req, name);
  if (given !== undefined && !/^-?\d+$/.test(given))
    throw badRequest(`The value '${given}' of the parameter '${name}' is not a whole number.`);
  return given === undefined ? undefined : Number(given);
}

/** The search of a GET, as the same in a body. Errors: Refusal 400. */
export const searchQuery = (req: Request): SearchBody => ({
  jql: one(req, 'jql'),
  nextPageToken: one(req, 'nextPageToken'),
  maxResults: number(req, 'maxResults'),
  fields: all(req, 'fields'),
  expand: one(req, 'expand'),
});

/** Parts of a list with commas. */
export const listOf = (given: string | undefined): Set<string> =>
  new Set((given ?? '').split(',').filter((part) => part !== ''));

/** The bytes that a `Range` header asks for, first and last; undefined without one. Errors: Refusal 400, 416. */
export function rangeOf(req: Request, size: number): { first: number; last: number } | undefined {
  const header = req.get('range');
  if (header === undefined) return undefined;
  const [, from = '', to = ''] = /^bytes=(\d*)-(\d*)$/.exec(header) ?? [];
  if (from === '' && to === '') throw badRequest('The range is malformed.');
  const first = from === '' ? Math.max(size - Number(to), 0) : Number(from);
  const last = from === '' || to === '' ? size - 1 : Math.min(Number(to), size - 1);
  if (first >= size || first > last) throw new Refusal(416, 'The range cannot be satisfied.');
  return { first, last };
}
