import type { Platform } from '../../providers/provider.ts';

/** A figure in words: "at least 12 files", and what is said beside it. */
export type ReviewFact = { label: string; value: string; note?: string };

/** One account's part of the page. */
export type ReviewAccount = {
  id: string;
  platform: Platform;
  label: string;
  account: string;
  facts: ReviewFact[];
  /** Why some cannot be imported, most frequent first. */
  reasons: { reason: string; count: string }[];
  problems: { message: string; action?: { href: string; label: string } }[];
};

export type ReviewLocals = {
  /** "3 selected items of 2 accounts" */
  selection: string;
  complete: boolean;
  /** "At least 19 files would be imported" */
  headline: string;
  facts: ReviewFact[];
  /** Category and choices in sentences; empty when nothing was chosen. */
  options: string;
  accounts: ReviewAccount[];
  /** What the import's form sends: the choices as they were typed. */
  fields: { name: string; value: string }[];
  /** Whether there is anything to import. */
  something: boolean;
  back: string;
};
