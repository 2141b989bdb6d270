import { formatCount, formatDuration, plural } from '../format.ts';
import { paths } from '../paths.ts';
import type { ImportCharts } from '../services/import-charts.ts';
import { REASON_LABELS, STATE_LABELS } from './import-labels.ts';
import type { ChartsView } from './import-views.ts';

const HEIGHT = 1000;
/** A chart of fewer items, or of less time, tells nothing. */
const MIN_ITEMS = 10;
const MIN_SECONDS = 10;

/** What is drawn of an import; a part of it is absent where there is nothing to draw. */
export function toChartsView(id: string, { slots, seconds, reasons }: ImportCharts): ChartsView {
  const most = Math.max(...slots.map(({ brought, others }) => brought + others));
  const count = (of: 'brought' | 'others'): number => slots.reduce((sum, slot) => sum + slot[of], 0);
  const [brought, others] = [count('brought'), count('others')];
  const mostFrequent = reasons[0]?.items ?? 1;
  return {
    pace:
      brought + others < MIN_ITEMS || seconds < MIN_SECONDS
        ? undefined
        : {
            bars: slots.map((slot) => ({
              label: plural(slot.brought + slot.others, 'item'),
              height: Math.round((slot.brought / most) * HEIGHT),
              above: Math.round((slot.others / most) * HEIGHT),
            })),
            from: 'Start',
            to: formatDuration(seconds),
            summary: `${plural(brought, 'searchable item')} and ${plural(others, 'other')} in ${formatDuration(seconds)}, at most ${formatCount(most)} in ${formatDuration(seconds / slots.length)}`,
          },
    reasons: reasons.map(({ state, code, items }) => ({
      label: REASON_LABELS[code] ?? code.replaceAll('_', ' '),
      state,
      items: `${formatCount(items)} ${STATE_LABELS[state].toLowerCase()}`,
      length: Math.max(5, Math.round((items / mostFrequent) * HEIGHT)),
      href: paths.import(id, { state }),
    })),
  };
}
