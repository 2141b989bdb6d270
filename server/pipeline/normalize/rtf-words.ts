/** Groups that hold nothing to read although no `\*` says so: pictures, lists of colours, fields' codes, entries of indexes, shapes' properties. */
export const SKIPPED = new Set([
  ...['colortbl', 'filetbl', 'pict', 'nonshppict', 'objdata', 'objclass', 'fldinst', 'private', 'template'],
  ...['xe', 'rxe', 'tc', 'txe', 'sn', 'sv', 'shprslt', 'nonesttables', 'listtext', 'pntext', 'pntxta', 'pntxtb'],
  ...['ftnsep', 'ftnsepc', 'ftncn', 'aftnsep', 'aftnsepc', 'aftncn'],
]);

/** Groups behind a `\*` that hold text, or ends of nested rows. */
export const STARRED = new Set(['annotation', 'shpinst', 'nesttableprops']);

export const MARGINS = /^(header|footer)[lrf]?$/;

/** Control words and symbols that stand for characters. */
export const SYMBOLS: Record<string, string> = {
  tab: '\t',
  line: '\n',
  softline: '\n',
  lbr: '\n',
  emdash: '—',
  endash: '–',
  lquote: '‘',
  rquote: '’',
  ldblquote: '“',
  rdblquote: '”',
  bullet: '•',
  emspace: ' ',
  enspace: ' ',
  qmspace: ' ',
  zwj: '\u200d',
  zwnj: '\u200c',
  '~': '\u00a0',
  _: '-',
  '{': '{',
  '}': '}',
  '\\': '\\',
};
