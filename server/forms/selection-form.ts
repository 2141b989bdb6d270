import { z } from 'zod';
import type { BasketItem } from '../session.ts';

const basketItem = z.object({
  integrationId: z.uuid(),
  ref: z.string().min(1).max(4000),
  name: z.string().max(1000),
  kind: z.enum(['file', 'folder']),
  folder: z.string().max(4000).optional(),
});

/** An item as its checkbox carries it: base64url of JSON, so that any name survives the form. */
export const encodeItem = (item: BasketItem): string =>
  Buffer.from(
    JSON.stringify({
      integrationId: item.integrationId,
      ref: item.ref,
      name: item.name.slice(0, 1000),
      kind: item.kind,
      // A path that long is asked for again when the item is imported.
      folder: item.folder !== undefined && item.folder.length > 4000 ? undefined : item.folder,
    }),
  ).toString('base64url');

/** Two selected items are the same when they name the same thing at the same account. */
export const sameItem = (a: BasketItem, b: BasketItem): boolean =>
  a.integrationId === b.integrationId && a.ref === b.ref;

function decodeItem(value: string): BasketItem | undefined {
  try {
    const parsed = basketItem.safeParse(JSON.parse(Buffer.from(value, 'base64url').toString('utf8')));
    return parsed.success ? parsed.data : undefined;
  } catch {
    return undefined;
  }
}

/** A field that may stand in the form any number of times. */
const items = z
  .preprocess(
    (value) => (value === undefined ? [] : Array.isArray(value) ? (value as unknown[]) : [value]),
    z.array(z.string()).max(1000),
  )
  .transform((values, context) => {
    const decoded = values.map(decodeItem);
    const known = decoded.filter((item) => item !== undefined);
    if (known.length < decoded.length)
      context.addIssue({
        code: 'custom',
        message: 'A ticked item could not be read. Reload the page and tick it again.',
      });
    return known;
  });

/** The browser's form: what is ticked, what was ticked before on this page, and how to import it. */
export const selectionForm = z.object({
  item: items,
  listed: items,
  remove: items,
  category: z.string().trim().max(100, 'The category may have at most 100 characters.').default(''),
  /** Only pages of the browser: the address comes back from the form. */
  return: z
    .string()
    .regex(/^\/admin\/browse(\?|$)/)
    .catch('/admin/browse'),
});

export type SelectionForm = z.output<typeof selectionForm>;
