const clocks = new Map<string, Intl.DateTimeFormat>();

/** Reads the time of a zone; kept, because making one takes long. */
function clockOf(timeZone: string): Intl.DateTimeFormat {
  const clock =
    clocks.get(timeZone) ??
    new Intl.DateTimeFormat('en-US', {
      timeZone,
      hourCycle: 'h23',
      year: 'numeric',
      month: 'numeric',
      day: 'numeric',
      hour: 'numeric',
      minute: 'numeric',
      second: 'numeric',
    });
  clocks.set(timeZone, clock);
  return clock;
}

/** Minutes that a time zone is ahead of UTC at an instant. */
function offsetOf(at: Date, timeZone: string): number {
  const parts = clockOf(timeZone).formatToParts(at);
  const part = (type: string): number => Number(parts.find((candidate) => candidate.type === type)?.value);
  const local = Date.UTC(part('year'), part('month') - 1, part('day'), part('hour'), part('minute'), part('second'));
  return Math.round((local - Math.floor(at.getTime() / 1000) * 1000) / 60_000);
}

/** The instant at which clocks of the zone show these numbers; they are read as if they were UTC's first. */
function instantOf(asUtc: number, timeZone: string): number {
  const guess = asUtc - offsetOf(new Date(asUtc), timeZone) * 60_000;
  return asUtc - offsetOf(new Date(guess), timeZone) * 60_000;
}

/** As Jira writes instants, in the time zone of who asks: `2026-05-01T12:00:00.000+0200`. */
export function stampOf(at: Date, timeZone: string): string {
  const offset = offsetOf(at, timeZone);
  const local = new Date(at.getTime() + offset * 60_000).toISOString().slice(0, -1);
  const [hours, minutes] = [Math.floor(Math.abs(offset) / 60), Math.abs(offset) % 60];
  return `${local}${offset < 0 ? '-' : '+'}${String(hours).padStart(2, '0')}${String(minutes).padStart(2, '0')}`;
}

const DATE = /^(\d{4})[-/](\d{1,2})[-/](\d{1,2})(?: (\d{1,2}):(\d{2}))?$/;
const PERIOD = /^[+-]?(?:\d+[wdhm] ?)+$/;
const UNIT_MS: Record<string, number> = { w: 604_800_000, d: 86_400_000, h: 3_600_000, m: 60_000 };

/** A date as JQL has it in quotation marks: to the minute or the day in the zone, or a period from now (`-5d`, `4w 2d`). Milliseconds. */
export function jqlDate(text: string, timeZone: string): number | undefined {
  const [, year, month, day, hour = '0', minute = '0'] = DATE.exec(text) ?? [];
  if (year !== undefined) {
    const asUtc = Date.UTC(Number(year), Number(month) - 1, Number(day), Number(hour), Number(minute));
    const real = new Date(asUtc).getUTCDate() === Number(day) && Number(hour) < 24 && Number(minute) < 60;
    return real ? instantOf(asUtc, timeZone) : undefined;
  }
  if (!PERIOD.test(text)) return undefined;
  const periods = text.matchAll(/(\d+)([wdhm])/g);
  const sum = [...periods].reduce((ms, [, count, unit]) => ms + Number(count) * (UNIT_MS[unit ?? ''] ?? 0), 0);
  return Date.now() + (text.startsWith('-') ? -sum : sum);
}
