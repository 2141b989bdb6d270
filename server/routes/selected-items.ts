import type { KnownItem } from '../services/import-service.ts';
import type { BasketItem } from '../session.ts';

/** A selected item as imports and estimates take it, with what its listing said of it. */
export const toSelected = ({
  integrationId,
  ref,
  name,
  kind,
  hasChildren,
  folder,
}: BasketItem): { integrationId: string; ref: string; known?: KnownItem } => ({
  integrationId,
  ref,
  known:
    folder === undefined ? undefined : { name, kind, hasChildren, path: folder === '' ? name : `${folder}/${name}` },
});
