import { z } from 'zod';
import { ProviderError } from '../errors.ts';
import { parseJson } from '../json.ts';

const step = z.object({
  /**
   * What is still to be listed. For the browser: `spaces`, `children`, and `attachments` of the listed page. For imports: `pages` of a space,
   * what is `below` something, posts of a `blog`, what is `hanging` on pages, and the `others`, which have no content.
   */
  list: z.enum(['spaces', 'children', 'attachments', 'pages', 'below', 'blog', 'hanging', 'others']),
  /** Where it goes on, below the site's base. */
  path: z.string().startsWith('/').optional(),
  /** Results with bodies that Confluence could answer with. */
  limit: z.int().positive().optional(),
  /** Of `spaces`: those of one kind. */
  kind: z.string().optional(),
  /** Of `hanging` and `others`: what is asked for. */
  cql: z.string().optional(),
});

const place = z.object({
  /** What is listed: a ref. */
  of: z.string(),
  steps: z.array(step).min(1),
});

export type Step = z.infer<typeof step>;

/** Undefined after the last step. */
export const formatCursor = (of: string, steps: Step[]): string | undefined =>
  steps.length === 0 ? undefined : Buffer.from(JSON.stringify({ of, steps })).toString('base64url');

/** What is still to be listed, in this order. Errors: ProviderError `cursor_expired` for anything but a place in this very list. */
export function parseCursor(text: string, of: string): Step[] {
  const at = place.safeParse(parseJson(Buffer.from(text, 'base64url').toString())).data;
  if (at?.of !== of) throw staleCursor();
  return at.steps;
}

export const staleCursor = (): ProviderError =>
  new ProviderError(
    'cursor_expired',
    'confluence',
    'Confluence no longer knows this place in the list; it starts over.',
  );
