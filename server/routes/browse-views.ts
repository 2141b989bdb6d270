import type { Platform } from '../../providers/provider.ts';
import type { Moment } from '../format.ts';
import type { PreviewLocals } from './preview-views.ts';
import type { ReviewLocals } from './review-views.ts';
import type { FilterPanel, ImportChoice } from './import-choices.ts';

/** Name of the picture: `pages` for a file that holds items. */
export type ItemIcon = 'file' | 'folder' | 'pages';

/** One listed item. */
export type BrowseRow = {
  /** What its checkbox sends: the item as the selection keeps it, encoded. */
  value: string;
  name: string;
  icon: ItemIcon;
  /** "PDF", "Folder" */
  type: string;
  /** Where a folder, or a file that holds items, opens. */
  href?: string;
  /** What is known of a file, and the beginning of its text. */
  previewHref?: string;
  /** Page at the vendor. */
  webUrl?: string;
  size: string;
  modifiedAt?: Moment;
  importable: boolean;
  /** Why it cannot be imported. */
  reason?: string;
  selected: boolean;
  /** Comes along with a folder that is selected. */
  covered: boolean;
  documentHref?: string;
  changedSince: boolean;
};

/** Why there is nothing to show, and where to mend it. */
export type BrowseFailure = { message: string; href: string; label: string };

/** One account's part of the page. */
export type BrowseSection = {
  id: string;
  platform: Platform;
  label: string;
  account: string;
  href: string;
  rows: BrowseRow[];
  /** Why there are no rows. */
  failure?: BrowseFailure;
};

/** A link of a table's head that sorts by its column. */
type SortHead = { href: string; sorted?: 'ascending' | 'descending' };
export type SortHeads = { name: SortHead; size: SortHead; modified: SortHead };

/** A place in the tree. What is below it is on its own page; app.js asks for that part alone. */
export type TreeNode = {
  name: string;
  href: string;
  icon: ItemIcon;
  /** It is the page that is shown. */
  current?: boolean;
  /** Nothing is below it. */
  isLeaf?: boolean;
  below?: TreeBranch;
};

export type TreeBranch = {
  nodes: TreeNode[];
  /** The places that follow. */
  more?: { href: string; label: string };
  /** All places, where these are only the ones on the way down. */
  whole?: { href: string; label: string };
  failure?: BrowseFailure;
  isEmpty: boolean;
};

export type TreeAccount = {
  platform: Platform;
  label: string;
  /** Its account is named: there are several of this service. */
  several: boolean;
  account: string;
  href: string;
  current: boolean;
  below?: TreeBranch;
};

export type BasketRow = { value: string; name: string; icon: ItemIcon; platform: Platform; account: string };

/** The selection and what importing it needs. */
export type BasketPanel = {
  rows: BasketRow[];
  /** "3 items" */
  count: string;
  /** Categories used before, offered while typing. */
  categories: string[];
  /** What may be brought along with the items of some connected services. */
  choices: ImportChoice[];
  filters: FilterPanel;
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
    /** Every account, with the way down to the place that is shown. */
    tree: TreeAccount[];
    /** Absent where nothing is listed that could be sorted. */
    heads?: SortHeads;
    /** What sorting does not reach. */
    sortNote?: string;
    /** The listed place is a file that holds items. */
    inFile: boolean;
    /** What is selected of the places above, and what that means for the items shown. */
    coverNote?: string;
    basket: BasketPanel;
    /** Address of this page, to come back to after a change of the selection. */
    here: string;
  };
  'browse/basket': { basket: BasketPanel };
  'browse/branch': { branch: TreeBranch };
  'browse/preview': PreviewLocals;
  'browse/preview-part': PreviewLocals;
  'browse/review': ReviewLocals;
};
