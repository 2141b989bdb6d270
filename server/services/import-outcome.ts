import type { Knex } from 'knex';
import { formatCount } from '../format.ts';
import { countFolders, countReasons, type ReasonCount } from '../stores/outcome-store.ts';
import type { ImportSummary } from './import-service.ts';
import { mismatchOf } from './ledger-balance.ts';

const NOT_GIVEN = 'not given by the service';

/** What comes behind a number of files, by the code of their reason. */
const WORDS: Record<string, string> = {
  cancelled: 'left out because it was cancelled',
  corrupt: 'damaged',
  denied: 'out of reach for this account',
  disconnected: 'left out because the account was disconnected',
  encrypted: 'protected by a password',
  gone: 'no longer there',
  incomplete: 'cut short on the way',
  internal: 'stopped by a fault inside the hub',
  malware: 'held to be harmful by the service',
  no_text: 'without text',
  not_downloadable: 'not handed out by the service',
  not_importable: 'without content to import',
  parser_crash: 'impossible to read',
  network: NOT_GIVEN,
  rate_limited: NOT_GIVEN,
  bad_response: NOT_GIVEN,
  transient: NOT_GIVEN,
  scope: 'out of reach because a permission is missing',
  worker_stopped: 'given up after the hub had stopped several times',
  reconnect: 'out of reach until the account is reconnected',
  timeout: 'too slow to read',
  too_large: 'too large',
  unsupported: 'of a kind that is not read',
};
/** So many reasons are named. */
const NAMED = 4;

const LIST = new Intl.ListFormat('en-GB');

/** Adds to imports that have ended what is to be said of them: why they brought nothing new, and that their rows do not add up. */
export async function withOutcomes(db: Knex, summaries: ImportSummary[]): Promise<ImportSummary[]> {
  const empty = summaries.filter(broughtNothing).map(({ id }) => id);
  const reasons = await countReasons(db, empty);
  const folders = await countFolders(db, empty);
  return summaries.map((summary) => ({
    ...summary,
    mismatch:
      summary.finishedAt === null
        ? undefined
        : mismatchOf({ kind: summary.kind, listed: summary.listed, rows: summary.counts.total }),
    outcome: broughtNothing(summary)
      ? outcomeOf(
          summary,
          reasons.filter(({ importId }) => importId === summary.id),
          folders.get(summary.id) ?? 0,
        )
      : undefined,
  }));
}

const broughtNothing = ({ finishedAt, counts }: ImportSummary): boolean =>
  finishedAt !== null && counts.indexed + counts.removed === 0;

/** Why an import brought nothing new: a sentence. `folders` is how many were listed. */
export function outcomeOf(
  summary: Pick<ImportSummary, 'kind' | 'status' | 'recursive' | 'counts'>,
  reasons: Pick<ReasonCount, 'code' | 'count' | 'state'>[],
  folders: number,
): string {
  const { kind, status, counts } = summary;
  if (counts.total === 0) {
    if (status === 'finished') return kind === 'sync' ? 'Nothing has changed.' : emptiness(summary.recursive, folders);
    return status === 'cancelled'
      ? `The ${kind} was cancelled before anything was found.`
      : `The ${kind} ended before anything was found.`;
  }
  const { total, unchanged } = counts;
  if (unchanged === total)
    return total === 1
      ? 'The file was left as it was: nothing has changed since it was imported.'
      : `All ${formatCount(total)} were left as they were: nothing has changed since they were imported.`;
  const missed = total - unchanged;
  const verb = counts.failed === 0 && !reasons.some(({ code }) => code === 'cancelled') ? 'can be' : 'was';
  const list = listOf(reasons);
  if (unchanged > 0)
    return `Nothing new was imported: ${formatCount(unchanged)} ${unchanged === 1 ? 'was left as it was' : 'were left as they were'}, and of the other ${formatCount(missed)} none ${verb} imported: ${list}.`;
  if (total === 1) {
    const why = WORDS[reasons[0]?.code ?? ''];
    return `The file ${verb === 'can be' ? 'cannot be' : 'was not'} imported: ${why ? `it is ${why}` : 'its row says why'}.`;
  }
  return `None of the ${formatCount(total)} files ${verb} imported: ${list}.`;
}

function emptiness(recursive: boolean, folders: number): string {
  if (!recursive) return 'No file is right inside what was selected; folders below it were left out.';
  if (folders === 1) return 'The selected folder is empty.';
  return folders === 0
    ? 'Nothing was found in what was selected.'
    : `The selected folders are empty: none of the ${formatCount(folders)} that were listed holds a file.`;
}

const areOf = (count: number): string => `${formatCount(count)} ${count === 1 ? 'is' : 'are'}`;

/** "7 are of a kind that is not read and 5 are protected by a password". */
function listOf(reasons: Pick<ReasonCount, 'code' | 'count'>[]): string {
  const byWords = new Map<string, number>();
  for (const { code, count } of reasons) {
    const words = WORDS[code ?? ''] ?? 'left out for reasons that their rows name';
    byWords.set(words, (byWords.get(words) ?? 0) + count);
  }
  const sorted = [...byWords].sort(([, a], [, b]) => b - a);
  const rest = sorted.slice(NAMED).reduce((sum, [, count]) => sum + count, 0);
  return LIST.format([
    ...sorted.slice(0, NAMED).map(([words, count]) => `${areOf(count)} ${words}`),
    ...(rest > 0 ? [`${areOf(rest)} left out for other reasons`] : []),
  ]);
}
