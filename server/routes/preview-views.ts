import type { Platform } from '../../providers/provider.ts';
import type { Moment } from '../format.ts';
import type { BrowseFailure } from './browse-views.ts';

/** An item and the beginning of its text, on a page of its own or beside the list. */
export type PreviewLocals = {
  name: string;
  platform: Platform;
  label: string;
  account: string;
  /** "My Drive / Policies"; absent for roots, and where nothing is known of the item. */
  path?: string;
  type?: string;
  size?: string;
  modifiedAt?: Moment;
  owner?: string;
  webUrl?: string;
  /** What the service says of it; lists are joined already. */
  details: { name: string; value: string }[];
  /** Where a folder, or a file that holds items, opens. */
  openHref?: string;
  documentHref?: string;
  changedSince: boolean;
  isFolder: boolean;
  text?: {
    value: string;
    /** "Markdown, 3 passages, 1,234 characters" */
    summary: string;
    /** "Only the first 20,000 are shown."; absent when all are. */
    cut?: string;
  };
  /** Why there is no text, and what to do. */
  problem?: { message: string; action?: Omit<BrowseFailure, 'message'> };
  /** The page of the browser to go back to. */
  back: string;
};
