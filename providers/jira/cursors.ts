import { z } from 'zod';
import { CLOUD_ID } from '../atlassian/sites.ts';
import { ProviderError } from '../errors.ts';
import { parseJson } from '../json.ts';

const ONLY = '-';

const place = z.object({
  /** What is listed: a ref, or `search`. */
  of: z.string(),
  /** Jira's mark of the next page at each site that has one, by `keyOf`. */
  marks: z.record(z.string().regex(CLOUD_ID), z.string().min(1)),
  /** Issues a page, once fewer than usual had to be asked for. */
  size: z.int().positive().optional(),
});

/** Where a listing or a search goes on. */
export type Place = z.infer<typeof place>;

/** The key of a site among marks; connections by token have one site only, which refs do not name. */
export const keyOf = (cloudId: string | undefined): string => cloudId ?? ONLY;
export const cloudOf = (key: string): string | undefined => (key === ONLY ? undefined : key);

export const formatCursor = (at: Place): string => Buffer.from(JSON.stringify(at)).toString('base64url');

/** Errors: ProviderError `cursor_expired` for anything but a place in this very list. */
export function parseCursor(text: string, of: string): Place {
  const at = place.safeParse(parseJson(Buffer.from(text, 'base64url').toString())).data;
  if (at?.of !== of) throw staleCursor();
  return at;
}

export const staleCursor = (): ProviderError =>
  new ProviderError('cursor_expired', 'jira', 'Jira no longer knows this place in the list; it starts over.');
