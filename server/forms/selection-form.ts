import { z } from 'zod';
import { typedFilters } from './filters-form.ts';
import type { BasketItem, ImportChoices } from '../session.ts';

const basketItem = z.object({
  integrationId: z.uuid(),
  ref: z.string().min(1).max(4000),
  name: z.string().max(1000),
  kind: z.enum(['file', 'folder']),
  hasChildren: z.boolean().optional(),
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
      hasChildren: item.hasChildren || undefined,
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

/** A box that stands for yes when it is sent at all. */
const box = z
  .unknown()
  .optional()
  .transform((value) => value !== undefined);

/** The browser's form: what is ticked, what was ticked before on this page, and how to import it. */
export const selectionForm = z.object({
  item: items,
  listed: items,
  remove: items,
  category: z.string().trim().max(100, 'The category may have at most 100 characters.').default(''),
  includeChildren: box,
  includeAttachments: box,
  /** Only pages of the browser: the address comes back from the form. */
  return: z
    .string()
    .regex(/^\/admin\/browse(\?|$)/)
    .catch('/admin/browse'),
});

type SelectionForm = z.output<typeof selectionForm>;

/** What is ticked and typed beside the selection, right or wrong. */
export function choicesOf(body: unknown): ImportChoices {
  const sent = (body ?? {}) as Record<string, unknown>;
  return {
    includeChildren: sent.includeChildren !== undefined,
    includeAttachments: sent.includeAttachments !== undefined,
    category: typeof sent.category === 'string' ? sent.category.slice(0, 300) : '',
    filters: typedFilters(sent),
  };
}

/** The selection after a form was sent: what it listed as selected and is no longer ticked goes, what is ticked comes. */
export function changeBasket(basket: BasketItem[], form: SelectionForm): BasketItem[] {
  const unticked = form.listed.filter((item) => !form.item.some((ticked) => sameItem(ticked, item)));
  const gone = [...unticked, ...form.remove];
  const kept = basket.filter((item) => !gone.some((other) => sameItem(other, item)));
  const added = form.item.filter((item) => ![...kept, ...form.remove].some((other) => sameItem(other, item)));
  return [...kept, ...added];
}
