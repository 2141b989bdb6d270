import type { Item } from '../../providers/provider.ts';
import type { Integration } from './integration-service.ts';
import type { User } from './user-service.ts';

/** A listed item and what the hub knows of it already. */
export type BrowseItem = Item & { documentId?: string; changedSince: boolean };

export type BrowsePage = {
  integration: Integration;
  items: BrowseItem[];
  next?: string;
  /** From the root down to the folder itself; empty at the top and for searches. */
  breadcrumbs: { ref: string; name: string }[];
};

/** One integration at the top of the browser: its roots, or the sentence that says why they are not there. */
export type BrowseRoots = {
  integration: Integration;
  items: Item[];
  error?: string;
};

export type BrowseService = {
  /** All integrations' roots side by side; a failing one costs only its own part. */
  roots(user: User): Promise<BrowseRoots[]>;
  /**
   * One page of a folder (`ref` 'root' or absent: the roots) or of a search. Bounded to 10 s.
   * Errors: NotFoundError; AppError 502 `vendor_error`, 503 `vendor_timeout`, 409 `needs_reconnect`.
   */
  list(
    user: User,
    integrationId: string,
    options: { ref?: string; query?: string; cursor?: string },
  ): Promise<BrowsePage>;
};
