import { formatCount, formatDate, formatDuration, plural } from '../format.ts';
import type { HourCounts, RequestCounts } from '../services/request-count-service.ts';
import type { RequestSpanView } from './integration-views.ts';

const HEIGHT = 1000;
const HOUR_MS = 3_600_000;

/** How far back the page looks. */
export const REQUEST_HOURS = 7 * 24;

/** The last 24 hours by the hour and the last 7 days by six hours; none where nothing was asked in all that time. */
export function toRequestSpans(hours: HourCounts[], now = new Date()): RequestSpanView[] {
  if (hours.length === 0) return [];
  const end = (Math.floor(now.getTime() / HOUR_MS) + 1) * HOUR_MS;
  return [
    toSpan('Last 24 hours', hours, { end, slots: 24, slotHours: 1, slotName: 'an hour', from: '24 hours ago' }),
    toSpan('Last 7 days', hours, { end, slots: 28, slotHours: 6, slotName: 'six hours', from: '7 days ago' }),
  ];
}

function toSpan(
  title: string,
  hours: HourCounts[],
  span: { end: number; slots: number; slotHours: number; slotName: string; from: string },
): RequestSpanView {
  const slotMs = span.slotHours * HOUR_MS;
  const start = span.end - span.slots * slotMs;
  const slots = Array.from({ length: span.slots }, (_, at) => {
    const from = start + at * slotMs;
    const within = hours.filter(({ hour }) => hour.getTime() >= from && hour.getTime() < from + slotMs);
    return { from: new Date(from), ...sum(within) };
  });
  const all = sum(slots);
  const most = Math.max(...slots.map(({ requests }) => requests));
  const heightOf = (requests: number): number => (most === 0 ? 0 : Math.round((requests / most) * HEIGHT));
  return {
    title,
    chart: {
      bars: slots.map(({ from, ...counts }) => {
        const disturbed = Math.min(counts.requests, counts.throttled + counts.failed);
        return {
          label: `${formatDate(from).text}: ${inWords(counts)}`,
          height: heightOf(counts.requests - disturbed),
          above: heightOf(disturbed),
        };
      }),
      summary:
        all.requests === 0
          ? 'No requests'
          : `${plural(all.requests, 'request')}, at most ${formatCount(most)} in ${span.slotName}`,
      from: span.from,
      to: 'Now',
    },
    throttled: all.throttled === 0 ? 'None' : formatCount(all.throttled),
    paused: all.pausedMs === 0 ? 'None' : formatDuration(Math.max(1, all.pausedMs / 1000)),
    failed: all.failed === 0 ? 'None' : formatCount(all.failed),
  };
}

const sum = (counts: RequestCounts[]): RequestCounts => ({
  requests: counts.reduce((total, { requests }) => total + requests, 0),
  throttled: counts.reduce((total, { throttled }) => total + throttled, 0),
  failed: counts.reduce((total, { failed }) => total + failed, 0),
  pausedMs: counts.reduce((total, { pausedMs }) => total + pausedMs, 0),
});

/** "1,234 requests, 3 throttled, 1 failed". */
const inWords = ({ requests, throttled, failed }: RequestCounts): string =>
  [
    plural(requests, 'request'),
    ...(throttled > 0 ? [`${formatCount(throttled)} throttled`] : []),
    ...(failed > 0 ? [`${formatCount(failed)} failed`] : []),
  ].join(', ');
