import type { Item, Platform } from '../../providers/provider.ts';
import { extensionOf } from '../pipeline/detect.ts';

/** Kinds of file as people tell them apart; the names stand in rows and the API. */
export const FILE_GROUPS = [
  'pdf',
  'word',
  'powerpoint',
  'spreadsheets',
  'web',
  'text',
  'mail',
  'pages',
  'other',
] as const;
export type FileGroup = (typeof FILE_GROUPS)[number];

const OFFICE = 'application/vnd.openxmlformats-officedocument';
const OPEN = 'application/vnd.oasis.opendocument';
const STORAGE_TYPE = 'application/vnd.atlassian.confluence.storage+xml';
const HTML_TYPES = ['text/html', 'application/xhtml+xml'];

/**
 * The one table from a kind to what vendors and people call its files. A media type ends in `*` where what follows is a matter of detail.
 * `pages` are what Confluence and Jira write themselves: they have no name of a file.
 */
export const GROUP_TABLE: Record<FileGroup, { label: string; mediaTypes: string[]; extensions: string[] }> = {
  pdf: { label: 'PDF', mediaTypes: ['application/pdf', 'application/x-pdf'], extensions: ['pdf'] },
  word: {
    label: 'Word',
    mediaTypes: [
      'application/msword',
      'application/vnd.ms-word.*',
      `${OFFICE}.wordprocessingml.*`,
      `${OPEN}.text*`,
      'application/rtf',
      'text/rtf',
    ],
    extensions: ['docx', 'docm', 'dotx', 'dotm', 'doc', 'dot', 'odt', 'ott', 'fodt', 'rtf'],
  },
  powerpoint: {
    label: 'PowerPoint',
    mediaTypes: ['application/vnd.ms-powerpoint*', `${OFFICE}.presentationml.*`, `${OPEN}.presentation*`],
    extensions: ['pptx', 'pptm', 'ppsx', 'ppsm', 'potx', 'potm', 'ppt', 'pps', 'odp', 'otp', 'fodp'],
  },
  spreadsheets: {
    label: 'Excel and CSV',
    mediaTypes: [
      'application/vnd.ms-excel*',
      `${OFFICE}.spreadsheetml.*`,
      `${OPEN}.spreadsheet*`,
      'text/csv',
      'application/csv',
      'text/tab-separated-values',
    ],
    extensions: ['xlsx', 'xlsm', 'xltx', 'xltm', 'xlsb', 'xls', 'ods', 'ots', 'fods', 'csv', 'tsv'],
  },
  web: {
    label: 'Web pages',
    mediaTypes: [...HTML_TYPES, 'multipart/related'],
    extensions: ['html', 'htm', 'xhtml', 'mht', 'mhtml'],
  },
  text: {
    label: 'Text and Markdown',
    mediaTypes: ['text/markdown', 'text/x-markdown'],
    extensions: ['txt', 'text', 'log', 'md', 'markdown', 'mdown', 'mkd'],
  },
  mail: {
    label: 'Mail',
    mediaTypes: ['message/rfc822', 'application/vnd.ms-outlook*', 'application/mbox'],
    extensions: ['eml', 'msg', 'mbox'],
  },
  pages: { label: 'Pages and issues', mediaTypes: [STORAGE_TYPE], extensions: ['confluence'] },
  other: { label: 'Other', mediaTypes: [], extensions: [] },
};

const isOf = (patterns: string[], type: string): boolean =>
  patterns.some((pattern) => (pattern.endsWith('*') ? type.startsWith(pattern.slice(0, -1)) : type === pattern));

const groupWhere = (matches: (entry: (typeof GROUP_TABLE)[FileGroup]) => boolean): FileGroup | undefined =>
  FILE_GROUPS.find((group) => matches(GROUP_TABLE[group]));

/**
 * The kind of a listed file: by its media type, else by its name. What vendors say of files they do not know (`application/octet-stream`,
 * `text/plain`) says less than the name.
 */
export function groupOf(item: Pick<Item, 'name' | 'mediaType' | 'sizeBytes'>, platform: Platform): FileGroup {
  const type = item.mediaType.split(';', 1)[0]?.trim().toLowerCase() ?? '';
  if (isWritten(item, type, platform)) return 'pages';
  const extension = extensionOf(item.name);
  return (
    groupWhere(({ mediaTypes }) => isOf(mediaTypes, type)) ??
    groupWhere(({ extensions }) => extensions.includes(extension)) ??
    (type === 'text/plain' && extension === '' ? 'text' : 'other')
  );
}

/** An issue comes as HTML that is made when it is asked for: unlike that of an attached file, nobody knows its size before. */
const isWritten = ({ sizeBytes }: Pick<Item, 'sizeBytes'>, type: string, platform: Platform): boolean =>
  (platform === 'confluence' || platform === 'jira') && HTML_TYPES.includes(type) && sizeBytes === undefined;
