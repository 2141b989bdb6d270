import type { Item } from '../../providers/provider.ts';
import { formatBytes, formatMaybeDate, formatMediaType } from '../format.ts';
import { encodeItem, sameItem } from '../forms/selection-form.ts';
import { paths } from '../paths.ts';
import { isPlace } from '../services/browse-service.ts';
import type { BrowseItem } from '../services/imported-before.ts';
import type { Crumb } from '../services/item-path.ts';
import type { BasketItem } from '../session.ts';
import type { Place } from './browse-place.ts';
import type { BrowseRow, ItemIcon } from './browse-views.ts';

/** A listed item as its row shows it. `folder` is the path of names it was listed in; undefined for search results. */
export function toRow(
  integrationId: string,
  item: Item | BrowseItem,
  shown: { selected: BasketItem[]; covered: boolean; folder: string | undefined; here: Place },
): BrowseRow {
  const known = { documentId: undefined, changedSince: false, ...item };
  const { ref, name, kind, hasChildren } = item;
  const entry = { integrationId, ref, name, kind, hasChildren, folder: shown.folder };
  return {
    value: encodeItem(entry),
    name,
    icon: iconOf(item),
    type: kind === 'folder' ? 'Folder' : formatMediaType(item.mediaType, name),
    href: isPlace(item) ? paths.browse({ integration: integrationId, ref, sort: shown.here.sort }) : undefined,
    previewHref:
      kind === 'file' ? paths.preview({ integration: integrationId, ref, from: paths.browse(shown.here) }) : undefined,
    webUrl: item.webUrl,
    size: formatBytes(item.sizeBytes),
    modifiedAt: formatMaybeDate(item.modifiedAt),
    importable: item.importable,
    reason: item.reason,
    selected: shown.selected.some((other) => sameItem(other, entry)),
    covered: shown.covered,
    documentHref: known.documentId ? paths.document(known.documentId) : undefined,
    changedSince: known.changedSince,
  };
}

/** The picture of an item. */
export const iconOf = ({ kind, hasChildren }: Pick<Item, 'kind' | 'hasChildren'>): ItemIcon =>
  kind === 'file' && hasChildren ? 'pages' : kind;

/** What it means for the items of a place that places above them, or the place itself, are selected. */
export function coverNote(above: Crumb[], inFile: boolean): string | undefined {
  const folder = above.find(({ kind }) => kind === 'folder');
  if (folder && !inFile) return `Everything here is part of the selected folder “${folder.name}”.`;
  if (folder)
    return `This is part of the selected folder “${folder.name}”, and so are the pages below it. Attachments and comments come along if you include them.`;
  const [file] = above;
  return file && `“${file.name}” is selected. What is below it comes along if you include it.`;
}
