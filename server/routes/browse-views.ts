import type { Platform } from '../../providers/provider.ts';
import type { Moment } from '../format.ts';

/** One listed item. */
export type BrowseRow = {
  /** What its checkbox sends: the item as the selection keeps it, encoded. */
  value: string;
  name: string;
  kind: 'file' | 'folder';
  /** "PDF", "Folder" */
  type: string;
  /** Where a folder opens. */
  href?: string;
  /** Page at the vendor. */
  webUrl?: string;
  size: string;
  modifiedAt?: Moment;
  importable: boolean;
  /** Why it cannot be imported. */
  reason?: string;
  selected: boolean;
  /** Inside a folder that is selected. */
  covered: boolean;
  documentHref?: string;
  changedSince: boolean;
};

/** One account's part of the page. */
export type BrowseSection = {
  id: string;
  platform: Platform;
  label: string;
  account: string;
  href: string;
  rows: BrowseRow[];
  /** Why there are no rows, and where to mend it. */
  failure?: { message: string; href: string; label: string };
};

export type BasketRow = { value: string; name: string; kind: 'file' | 'folder'; platform: Platform; account: string };

/** The selection and what importing it needs. */
export type BasketPanel = {
  rows: BasketRow[];
  /** "3 items" */
  count: string;
  /** Categories used before, offered while typing. */
  categories: string[];
};

export type BrowseViews = {
  'browse/index': {
    heading: string;
    /** At the top: the roots of every account side by side. */
    top: boolean;
    trail: { name: string; href?: string }[];
    sections: BrowseSection[];
    /** The search box of the one account shown. */
    search?: { integrationId: string; label: string; q: string };
    nextHref?: string;
    /** Name of the selected folder that everything shown lies in. */
    coveredBy?: string;
    basket: BasketPanel;
    /** Address of this page, to come back to after a change of the selection. */
    here: string;
  };
  'browse/basket': { basket: BasketPanel };
};
