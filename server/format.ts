import type { Platform } from '../providers/provider.ts';

/** A point in time as pages show it: `iso` for machines and for app.js, `text` in UTC for people without JavaScript. */
export type Moment = { iso: string; text: string };

const NUMBER = new Intl.NumberFormat('en-GB');
const DATE = new Intl.DateTimeFormat('en-GB', {
  day: 'numeric',
  month: 'short',
  year: 'numeric',
  hour: '2-digit',
  minute: '2-digit',
  timeZone: 'UTC',
});

const DAY = new Intl.DateTimeFormat('en-GB', { day: 'numeric', month: 'short', year: 'numeric', timeZone: 'UTC' });

/** "1,234". */
export const formatCount = (n: number): string => NUMBER.format(n);

/** "1 document", "1,234 documents"; `many` where an s is not enough. */
export const plural = (n: number, word: string, many = `${word}s`): string =>
  `${formatCount(n)} ${n === 1 ? word : many}`;

/** "40 seconds", "12 minutes", "3 hours", "2 days". */
export function formatDuration(seconds: number): string {
  if (seconds < 90) return plural(Math.round(seconds), 'second');
  if (seconds < 90 * 60) return plural(Math.round(seconds / 60), 'minute');
  if (seconds < 36 * 3600) return plural(Math.round(seconds / 3600), 'hour');
  return plural(Math.round(seconds / 86_400), 'day');
}

/** Bytes in units of 1,000, as file managers of all vendors count: "980 bytes", "12 kB", "3.4 MB". Unknown gives ''. */
export function formatBytes(bytes: number | undefined): string {
  if (bytes === undefined) return '';
  if (bytes < 1000) return plural(bytes, 'byte');
  const units = ['kB', 'MB', 'GB', 'TB'];
  let value = bytes / 1000;
  let unit = 0;
  // 999,950 bytes would round to "1,000 kB".
  while (value >= 999.5 && unit < units.length - 1) {
    value /= 1000;
    unit += 1;
  }
  return `${value < 9.95 ? value.toFixed(1).replace(/\.0$/, '') : NUMBER.format(Math.round(value))} ${units[unit]}`;
}

/** "21 Nov 2026, 09:14 UTC". */
export const formatDate = (date: Date): Moment => ({ iso: date.toISOString(), text: `${DATE.format(date)} UTC` });

/** "21 Nov 2026", the day in UTC. */
export const formatDay = (date: Date): string => DAY.format(date);

/** Like formatDate, for what may be absent. */
export const formatMaybeDate = (date: Date | null | undefined): Moment | undefined =>
  date ? formatDate(date) : undefined;

const MEDIA_TYPES: Record<string, string> = {
  'application/json': 'JSON',
  'application/msword': 'Word document',
  'application/pdf': 'PDF',
  'application/rtf': 'Rich text',
  'application/vnd.atlassian.confluence.storage+xml': 'Confluence page',
  'application/vnd.google-apps.document': 'Google Docs',
  'application/vnd.google-apps.drawing': 'Google Drawings',
  'application/vnd.google-apps.form': 'Google Forms',
  'application/vnd.google-apps.presentation': 'Google Slides',
  'application/vnd.google-apps.shortcut': 'Shortcut',
  'application/vnd.google-apps.spreadsheet': 'Google Sheets',
  'application/vnd.ms-excel': 'Excel workbook',
  'application/vnd.ms-powerpoint': 'PowerPoint',
  'application/vnd.oasis.opendocument.presentation': 'OpenDocument slides',
  'application/vnd.oasis.opendocument.spreadsheet': 'OpenDocument sheet',
  'application/vnd.oasis.opendocument.text': 'OpenDocument text',
  'application/vnd.openxmlformats-officedocument.presentationml.presentation': 'PowerPoint',
  'application/vnd.openxmlformats-officedocument.spreadsheetml.sheet': 'Excel workbook',
  'application/vnd.openxmlformats-officedocument.wordprocessingml.document': 'Word document',
  'application/zip': 'Zip archive',
  'inode/directory': 'Folder',
  'message/rfc822': 'Mail',
  'text/csv': 'CSV',
  'text/html': 'Web page',
  'text/markdown': 'Markdown',
  'text/plain': 'Text',
};

/** What a person calls a media type: "Word document", "Picture"; else the file name's extension in capitals. */
export function formatMediaType(mediaType: string, name = ''): string {
  const type = mediaType.split(';', 1)[0]?.trim().toLowerCase() ?? '';
  const known = MEDIA_TYPES[type];
  if (known) return known;
  const kind = /^(image|video|audio)\//.exec(type)?.[1];
  if (kind) return { image: 'Picture', video: 'Video', audio: 'Sound' }[kind] ?? 'File';
  const extension = /\.([a-z0-9]{1,8})$/i.exec(name)?.[1];
  return extension ? extension.toUpperCase() : 'File';
}

/** As people call the service: "Google Drive"; its id while no definition is known. */
export const platformLabel = (definitions: { id: Platform; label: string }[], platform: Platform): string =>
  definitions.find((definition) => definition.id === platform)?.label ?? platform;

const ROLE_LABELS: Record<string, string> = { admin: 'Admin', member: 'Member' };

/** As people call a user's role; a role of earlier times, as the audit log may name it, as it is. */
export const roleLabel = (role: string): string => ROLE_LABELS[role] ?? role;

/**
 * How a connected account is called: its address, else its name, else its id at the vendor; and its site where it is one of one site, for the
 * same person may have accounts at several.
 */
export function accountLabel(account: {
  accountEmail?: string;
  accountName?: string;
  accountId: string;
  site?: { url: string };
}): string {
  const who = account.accountEmail ?? account.accountName ?? account.accountId;
  return account.site ? `${who} at ${new URL(account.site.url).host}` : who;
}
