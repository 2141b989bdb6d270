import { accountLabel, formatCount, formatDate, formatMaybeDate, plural } from '../format.ts';
import { ITEM_STATES, type ImportSummary } from '../services/import-service.ts';
import type { Integration } from '../services/integration-service.ts';
import { scopeText } from './import-choices.ts';
import { STATE_LABELS, STATUS_LABELS } from './import-labels.ts';
import type { ImportOverview, ListedImport } from './import-views.ts';

const foldersText = (folders: number): string => {
  if (folders === 0) return '';
  return folders === 1
    ? '1 folder is still being listed, so the total grows.'
    : `${formatCount(folders)} folders are still being listed, so the total grows.`;
};

/** Many syncs find nothing, and have no items to count. */
function progressText({ kind, status, held, counts }: ImportSummary): string {
  const done = counts.total - counts.waiting - counts.running;
  if (kind === 'import' || counts.total > 0) return `${formatCount(done)} of ${plural(counts.total, 'item')} done`;
  if (held) return 'Waiting for your answer';
  if (status === 'running') return 'Looking for what has changed';
  return status === 'finished' ? 'Nothing has changed' : 'Ended before anything was found';
}

function titleOf({ kind, category }: ImportSummary, account: Integration | undefined): string {
  if (kind === 'sync') return account ? `Sync of ${accountLabel(account)}` : 'Sync';
  return category ? `Import: ${category}` : 'Import';
}

/** `accounts` are those of the user: a sync is called by its account. */
export function toOverview(summary: ImportSummary, accounts: Integration[]): ImportOverview {
  const { total, waiting, running } = summary.counts;
  const done = total - waiting - running;
  return {
    id: summary.id,
    kind: summary.kind,
    title: titleOf(
      summary,
      accounts.find(({ id }) => id === summary.integrationId),
    ),
    status: summary.status,
    badge: summary.held ? 'held' : summary.status,
    statusLabel: summary.held ? 'Needs an answer' : STATUS_LABELS[summary.status],
    scopeText: summary.kind === 'sync' ? '' : scopeText(summary),
    startedAt: formatDate(summary.startedAt),
    finishedAt: formatMaybeDate(summary.finishedAt),
    total,
    done,
    progressText: progressText(summary),
    foldersText: foldersText(summary.foldersWaiting),
    // A cancelled import still has running items until their work has ended.
    running: summary.finishedAt === null,
  };
}

/** The same with how many items came to what, as lists show it. */
export const toListedImport = (summary: ImportSummary, accounts: Integration[]): ListedImport => ({
  ...toOverview(summary, accounts),
  outcome: ITEM_STATES.filter((state) => summary.counts[state] > 0).map((state) => ({
    state,
    text: `${formatCount(summary.counts[state])} ${STATE_LABELS[state].toLowerCase()}`,
  })),
});
