import type { Flow } from './flow.ts';
import { collapse } from './flow.ts';
import type { Attributes, MarkupEvents } from './markup.ts';

const words = (list: string): Set<string> => new Set(list.split(' '));

/** Elements that begin and end a block. */
const BLOCKS = words(
  'address article aside blockquote body center dd details dialog div dl dt fieldset figcaption figure footer form h1 h2 h3 h4 h5 ' +
    'h6 header hr html legend li main ol option p pre section summary ul table caption thead tbody tfoot tr td th title',
);
/** Elements whose content is never read. */
const SKIPPED = words('script style noscript template svg iframe canvas object audio video map button select datalist');
/** Elements whose words stand in a place of their own. */
const PLACED = words('h1 h2 h3 h4 h5 h6 li pre caption figcaption table td th');

/** HTML's elements as parts of a page; `title` gives what the page calls itself. */
export function htmlElements(
  flow: Flow,
  options: { skipNavigation: boolean },
): MarkupEvents & { title(): string | undefined } {
  let title: string | undefined;
  let time: { date: string; written: number } | undefined;

  const isSkipped = (name: string, attributes: Attributes): boolean => {
    if (SKIPPED.has(name)) return true;
    if (attributes.hidden !== undefined && attributes.hidden !== 'until-found') return true;
    return options.skipNavigation && (name === 'nav' || attributes.role === 'navigation');
  };
  return {
    open(name, attributes) {
      if (isSkipped(name, attributes)) return 'skip';
      if (BLOCKS.has(name)) openBlock(flow, name, attributes);
      else if (name === 'br') flow.breakLine();
      else if (name === 'img') flow.write(` ${attributes.alt ?? ''} `);
      else if (name === 'time') time = { date: attributes.datetime ?? '', written: flow.written() };
    },
    close(name) {
      if (name === 'title') title ||= collapse(flow.endAside());
      else if (BLOCKS.has(name)) closeBlock(flow, name);
      else if (name === 'time') {
        // Confluence writes dates as empty elements; elsewhere the words inside are the date.
        if (time?.written === flow.written()) flow.write(time.date);
        time = undefined;
      }
    },
    text: (text) => flow.write(text),
    title: () => title,
  };
}

function openBlock(flow: Flow, name: string, attributes: Attributes): void {
  flow.flush();
  switch (name) {
    case 'table':
      flow.tables.begin();
      break;
    case 'thead':
      flow.tables.setHead(true);
      break;
    case 'tr':
      flow.tables.addRow();
      break;
    case 'td':
    case 'th':
      flow.tables.addCell({
        isHeader: name === 'th',
        colspan: Number(attributes.colspan) || 1,
        rowspan: Number(attributes.rowspan) || 1,
      });
      break;
    case 'title':
      flow.beginAside();
  }
  if (!PLACED.has(name)) return;
  const level = /^h([1-6])$/.exec(name)?.[1];
  if (level) flow.enter({ kind: 'heading', level: Number(level) });
  else flow.enter({ kind: KINDS[name] ?? 'paragraph' });
}

const KINDS: Record<string, 'list-item' | 'code' | 'caption'> = {
  li: 'list-item',
  pre: 'code',
  caption: 'caption',
  figcaption: 'caption',
};

function closeBlock(flow: Flow, name: string): void {
  flow.flush();
  if (PLACED.has(name)) flow.leave();
  if (name === 'thead') flow.tables.setHead(false);
  if (name === 'table') flow.tables.end();
}
