import type { Platform } from '../../providers/provider.ts';
import type { ChartView } from './chart-view.ts';
import type { EmbedderView } from './embedder-view.ts';
import type { ListedImport } from './import-views.ts';

export type OverviewViews = {
  'overview/index': {
    /** Whether there is an account to browse, and a document to search. */
    connected: boolean;
    /** For admins. */
    embedderChange?: EmbedderView;
    figures: { label: string; value: string; detail: string; href?: string }[];
    /** Accounts that work stands still for. */
    troubled: { account: string; label: string; platform: Platform; problem: string; href: string }[];
    /** A bar for each day, today last. */
    chart: ChartView;
    imports: ListedImport[];
    /** Documents by service, the most first; lengths in thousandths. */
    sources: { platform: Platform; label: string; documents: string; length: number; href: string }[];
    /** For admins: what models were asked for in the last 30 days. */
    models?: { name: string; purpose: string; requests: string; tokens: string; cost: string }[];
  };
};
