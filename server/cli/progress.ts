import { importSentence } from '../api/import-wait.ts';
import { formatCount, formatDuration } from '../format.ts';
import type { Progress } from './desk.ts';
import type { Io } from './io.ts';

/** Milliseconds between two lines where nobody looks at a terminal. */
const LINE_MS = 5000;
const BAR = 24;

/** Shows how an import goes, on standard error. */
export type ProgressLine = { show(progress: Progress['import']): void; end(): void };

/** One line that changes on a terminal; else a line now and then, when something changed. `quiet`: nothing but on a terminal. */
export function createProgressLine(io: Io, label: string, options: { quiet: boolean }): ProgressLine {
  const terminal = io.stderr as Io['stderr'] & { isTTY?: boolean; columns?: number };
  if (terminal.isTTY)
    return {
      show: (found) =>
        void io.stderr.write(`\r\x1b[2K${bar(found)} ${wordsOf(found)}`.slice(0, (terminal.columns ?? 80) + 4)),
      end: () => void io.stderr.write('\r\x1b[2K'),
    };
  let shown = '';
  let at = 0;
  return {
    show(found) {
      const words = wordsOf(found);
      if (options.quiet || words === shown || Date.now() - at < LINE_MS) return;
      [shown, at] = [words, Date.now()];
      io.stderr.write(`${label}: ${words}\n`);
    },
    end: () => undefined,
  };
}

const doneOf = ({ counts }: Progress['import']): number => counts.total - counts.waiting - counts.running;

function bar(found: Progress['import']): string {
  const { total } = found.counts;
  const full = total === 0 ? 0 : Math.floor((doneOf(found) / total) * BAR);
  return `[${'#'.repeat(full)}${'.'.repeat(BAR - full)}]`;
}

function wordsOf(found: Progress['import']): string {
  const { counts, foldersWaiting, progress } = found;
  const states = (['indexed', 'unchanged', 'skipped', 'failed', 'removed'] as const).filter(
    (state) => counts[state] > 0,
  );
  return [
    `${formatCount(doneOf(found))} of ${formatCount(counts.total)}${foldersWaiting > 0 ? ' so far' : ''}`,
    ...states.map((state) => `${formatCount(counts[state])} ${state}`),
    ...(progress && progress.ratePerMinute > 0 ? [`${formatCount(Math.round(progress.ratePerMinute))} a minute`] : []),
    ...(typeof progress?.etaSeconds === 'number' ? [`${formatDuration(progress.etaSeconds)} left`] : []),
    ...(progress?.throttledUntil ? [`${progress.throttledBy ?? 'the service'} asks for a pause`] : []),
  ].join(', ');
}

/** What became of it, for people: a sentence, and what failed with the reason. */
export function outcomeLines({ import: found, failed }: Progress, url: string): string[] {
  const more = found.counts.failed - failed.length;
  return [
    found.problem ? `${importSentence(found)} ${found.problem}` : importSentence(found),
    ...(found.held ? [`It waits to be told whether to remove documents here: ${url}`] : []),
    ...(found.outcome ? [found.outcome] : []),
    ...failed.map(({ path, name, reason }) => `failed  ${path || name}: ${reason ?? ''}`),
    ...(more > 0 ? [`… and ${formatCount(more)} more: ${url}`] : []),
  ];
}
