import type { Request, Response } from 'express';
import { z } from 'zod';

/** An answer in one of Dropbox's error shapes: plain text for a 400, tags for everything else. */
export class Refusal extends Error {
  readonly status: number;
  readonly error?: Record<string, unknown>;
  readonly headers?: Record<string, string>;

  constructor(status: number, says: string | Record<string, unknown>, headers?: Record<string, string>) {
    super(typeof says === 'string' ? says : 'refused');
    this.status = status;
    this.error = typeof says === 'string' ? undefined : says;
    this.headers = headers;
  }
}

/** `tags('path', 'not_found')` makes `{".tag": "path", "path": {".tag": "not_found"}}`. */
export function tags(first: string, ...rest: string[]): Record<string, unknown> {
  const [next, ...others] = rest;
  return next === undefined ? { '.tag': first } : { '.tag': first, [first]: tags(next, ...others) };
}

/** Sends a refusal; the summary ends in a random number of dots, as Dropbox's does, so that nobody compares it. */
export function sendRefusal(res: Response, refusal: Refusal): void {
  res.status(refusal.status).set(refusal.headers ?? {});
  if (!refusal.error) {
    res.type('text/plain').send(refusal.message);
    return;
  }
  const words: string[] = [];
  for (let at: unknown = refusal.error; isRecord(at) && typeof at['.tag'] === 'string'; at = at[at['.tag']])
    words.push(at['.tag']);
  const dots = '.'.repeat(Math.floor(Math.random() * 4));
  res.json({ error_summary: [...words, dots].join('/'), error: refusal.error });
}

const anyText = '(.|[\\r\\n])*';
const folderPath = z.string().regex(new RegExp(`^((/${anyText})?|id:.*|ns:[0-9]+(/${anyText})?)$`));
const itemPath = z
  .string()
  .refine((path) => path !== '', 'The root folder is unsupported.')
  .regex(new RegExp(`^(/${anyText}|id:.*|rev:[0-9a-f]{9,}|ns:[0-9]+(/${anyText})?)$`));
const flag = z.boolean().optional();
/** Requests may leave a tag's braces out. */
const tag = <T extends string>(...names: T[]): z.ZodType<unknown> =>
  z.union([z.enum(names), z.strictObject({ '.tag': z.enum(names) })]).optional();

/** The arguments of the routes, as closed as Dropbox's. Source: https://github.com/dropbox/dropbox-api-spec (2026: files.stone). */
export const listFolderArg = z.strictObject({
  path: folderPath,
  recursive: flag,
  include_media_info: flag,
  include_deleted: flag,
  include_has_explicit_shared_members: flag,
  include_mounted_folders: flag,
  include_non_downloadable_files: flag,
  include_restorable_info: flag,
  limit: z.number().int().min(1).max(2000).nullish(),
});
export const cursorArg = z.strictObject({ cursor: z.string().min(1) });
export const metadataArg = z.strictObject({
  path: itemPath,
  include_media_info: flag,
  include_deleted: flag,
  include_has_explicit_shared_members: flag,
});
export const searchArg = z.strictObject({
  query: z.string().max(1000),
  options: z
    .strictObject({
      path: folderPath.nullish(),
      max_results: z.number().int().min(1).max(1000).optional(),
      order_by: tag('relevance', 'last_modified_time'),
      file_status: tag('active', 'deleted'),
      filename_only: flag,
      file_extensions: z.array(z.string()).nullish(),
    })
    .nullish(),
  match_field_options: z.strictObject({ include_highlights: flag }).nullish(),
});
export const downloadArg = z.strictObject({ path: itemPath, rev: z.string().nullish() });
export const exportArg = z.strictObject({ path: itemPath, export_format: z.string().nullish() });
export const echoArg = z.strictObject({ query: z.string().max(500).optional() });

/** The argument of a call that takes JSON. Errors: Refusal 400. */
export function bodyArg<T>(req: Request, schema: z.ZodType<T>): T {
  const type = (req.get('content-type') ?? '').split(';')[0]?.trim().toLowerCase();
  if (type !== 'application/json')
    throw misunderstood(req, `Bad HTTP "Content-Type" header: "${type ?? ''}". Expecting "application/json".`);
  return argument(req, 'request body', String(req.body ?? ''), schema);
}

/** Calls without an argument take no body, or `null`. Errors: Refusal 400. */
export function noArg(req: Request): void {
  const body = typeof req.body === 'string' ? req.body.trim() : '';
  if (body !== '' && body !== 'null') throw misunderstood(req, 'request body: expected null');
  if (body === '' && req.get('content-type')) throw misunderstood(req, 'request body: could not decode input as JSON');
}

/** The argument of a content route: JSON in a header, ASCII only. Errors: Refusal 400. */
export function headerArg<T>(req: Request, schema: z.ZodType<T>): T {
  const type = req.get('content-type');
  if (type !== undefined && !/^(application\/octet-stream|text\/plain; ?charset=utf-8)$/i.test(type))
    throw misunderstood(req, `Bad HTTP "Content-Type" header: "${type}".`);
  if (typeof req.body === 'string' && req.body !== '') throw misunderstood(req, 'request body: expected to be empty');
  const text = req.get('dropbox-api-arg');
  if (text === undefined) throw misunderstood(req, 'Must provide HTTP header "Dropbox-API-Arg".');
  return argument(req, 'HTTP header "Dropbox-API-Arg"', asciiOnly(req, 'Dropbox-API-Arg', text), schema);
}

/** Errors: Refusal 400 for what has to be escaped in a header. */
export function asciiOnly(req: Request, name: string, text: string): string {
  if (!/^[\x20-\x7e]*$/.test(text))
    throw misunderstood(req, `HTTP header "${name}": could not decode input as JSON: it is not ASCII`);
  return text;
}

export function argument<T>(req: Request, where: string, text: string, schema: z.ZodType<T>): T {
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch {
    throw misunderstood(req, `${where}: could not decode input as JSON`);
  }
  const parsed = schema.safeParse(value);
  if (parsed.success) return parsed.data;
  const [issue] = parsed.error.issues;
  const field = issue?.path.join('.');
  throw misunderstood(req, [where, ...(field ? [field] : []), issue?.message ?? 'invalid'].join(': '));
}

/** Dropbox explains a 400 in plain text. */
export function misunderstood(req: Request, what: string): Refusal {
  return new Refusal(400, `Error in call to API function "${req.path.replace(/^\/2\//, '')}": ${what}`);
}

function isRecord(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null;
}
