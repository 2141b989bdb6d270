import { formatBytes, formatCount, formatDate, plural } from '../format.ts';
import type { ImportProgress, ImportStage } from '../services/import-progress.ts';
import type { ImportSummary, ItemState } from '../services/import-service.ts';
import { STAGE_LABELS, STATE_LABELS } from './import-labels.ts';
import type { ProgressView } from './import-views.ts';

/** In the order of the bar: what is settled first. */
const BAR: ItemState[] = ['indexed', 'unchanged', 'skipped', 'failed', 'removed', 'running', 'waiting'];
const BAR_LENGTH = 1000;

/** What the page says of how an import goes; public/app.js says the same from events. */
export function toProgressView(found: ImportSummary): ProgressView {
  const { progress } = found;
  return {
    bar: barOf(found),
    sumText: sumText(found),
    paceText: progress ? paceText(progress) : '',
    stagesText: progress ? stagesText(progress) : '',
    current: (progress?.current ?? []).map(({ name, stage }) => ({ name, stage: STAGE_LABELS[stage] })),
    throttle:
      progress?.throttledUntil && progress.throttledBy
        ? { service: progress.throttledBy, until: formatDate(progress.throttledUntil) }
        : undefined,
  };
}

function barOf({ counts }: ImportSummary): ProgressView['bar'] {
  const parts: ProgressView['bar'] = [];
  let before = 0;
  for (const state of BAR) {
    const from = (before * BAR_LENGTH) / (counts.total || 1);
    before += counts[state];
    const length = (before * BAR_LENGTH) / (counts.total || 1) - from;
    parts.push({ state, from, length });
  }
  return parts;
}

function sumText({ kind, counts, listed, finishedAt }: ImportSummary): string {
  if (counts.total === 0 && !listed) return '';
  // While it runs, rows come between the two readings.
  const sum = finishedAt === null ? counts.total : (listed ?? counts.total);
  const parts = BAR.filter((state) => counts[state] > 0).map(
    (state) => `${formatCount(counts[state])} ${STATE_LABELS[state].toLowerCase()}`,
  );
  return `${formatCount(sum)} ${kind === 'sync' ? 'met' : 'listed'} ${sum === counts.total ? '=' : '≠'} ${parts.join(' + ') || '0'}`;
}

function paceText({ ratePerMinute, bytesPerSecond, etaSeconds }: ImportProgress): string {
  if (ratePerMinute === 0) return '';
  const rate = `${formatCount(ratePerMinute)} ${ratePerMinute === 1 ? 'item' : 'items'} a minute`;
  const bytes = bytesPerSecond > 0 ? `, ${formatBytes(bytesPerSecond)} a second` : '';
  return `${rate}${bytes}.${etaSeconds === null ? '' : ` ${timeLeft(etaSeconds)}.`}`;
}

/** "About 3 minutes left". */
export function timeLeft(seconds: number): string {
  if (seconds < 45) return 'Less than a minute left';
  const minutes = Math.round(seconds / 60);
  if (minutes <= 1) return 'About a minute left';
  return minutes < 90 ? `About ${minutes} minutes left` : `About ${plural(Math.round(minutes / 60), 'hour')} left`;
}

function stagesText({ stages }: ImportProgress): string {
  return (Object.keys(STAGE_LABELS) as ImportStage[])
    .filter((stage) => stages[stage] > 0)
    .map((stage) => `${formatCount(stages[stage])} ${STAGE_LABELS[stage].toLowerCase()}`)
    .join(', ');
}
