/** How a number is to be shown. */
export type CellFormat = 'general' | 'date' | 'time' | 'date-time' | 'percent';

/** Kind of a number format by its id or code. Source: ECMA-376 part 1, 18.8.30 */
export function formatOf(id: number, code: string | undefined): CellFormat {
  if (code === undefined) {
    if (id === 9 || id === 10) return 'percent';
    if ((id >= 14 && id <= 17) || (id >= 27 && id <= 31) || (id >= 34 && id <= 36) || (id >= 50 && id <= 58))
      return 'date';
    if ((id >= 18 && id <= 21) || id === 32 || id === 33 || (id >= 45 && id <= 47)) return 'time';
    return id === 22 ? 'date-time' : 'general';
  }
  // Quoted words, escaped letters, colours and locales are no placeholders; [h] and [mm] are elapsed time.
  const bare = (code.split(';')[0] ?? '')
    .replace(/"[^"]*"|\\.|_.|\*./g, '')
    .replace(/\[(?!(h+|m+|s+)\])[^\]]*\]/gi, '')
    .toLowerCase();
  if (/general/.test(bare)) return 'general';
  const hasTime = /[hs]/.test(bare);
  const hasDate = /[yd]/.test(bare) || (/m/.test(bare) && !hasTime);
  if (/[0#?]/.test(bare) && !hasDate && !/h|ss|mm/.test(bare)) return bare.includes('%') ? 'percent' : 'general';
  if (hasDate && hasTime) return 'date-time';
  if (hasDate) return 'date';
  return hasTime ? 'time' : 'general';
}

const PLAIN_NUMBER = /^-?\d+(\.\d+)?$/;

/** A cell's number as people read it; what is no number comes back as it is. */
export function showValue(raw: string, format: CellFormat, date1904: boolean): string {
  if (format === 'general' && raw.length <= 15 && PLAIN_NUMBER.test(raw)) return raw;
  const value = Number(raw);
  if (raw.trim() === '' || !Number.isFinite(value)) return raw.trim();
  if (format === 'percent') return `${plain(value * 100)}%`;
  if (format === 'general' || value < 0 || value > 2_958_466) return plain(value);
  return showDate(value, format, date1904);
}

/** Up to 15 significant digits, as Excel has; hides what binary fractions add. */
const plain = (value: number): string => String(Number(value.toPrecision(15)));

function showDate(serial: number, format: CellFormat, date1904: boolean): string {
  // Excel counts a 29 February 1900 that never was.
  const offset = date1904 ? 24_107 : serial < 60 ? 25_568 : 25_569;
  const seconds = Math.round((serial - offset) * 86_400);
  const iso = new Date(seconds * 1000).toISOString();
  const time = iso.slice(11, 19).replace(/:00$/, '');
  if (format === 'time')
    return serial < 1 ? time : plain(serial) === String(Math.floor(serial)) ? iso.slice(0, 10) : elapsed(serial);
  if (format === 'date' || Number.isInteger(serial)) return iso.slice(0, 10);
  return `${iso.slice(0, 10)} ${time}`;
}

const elapsed = (serial: number): string => {
  const minutes = Math.round(serial * 1440);
  return `${Math.floor(minutes / 60)}:${String(minutes % 60).padStart(2, '0')}`;
};
