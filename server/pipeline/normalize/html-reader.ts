import type { Handler } from 'htmlparser2';
import type { Block } from '../normalized.ts';
import { createBlockList } from './block-list.ts';
import type { Normalized } from './normalize.ts';
import type { Table } from './tables.ts';
import { tableBlocks } from './tables.ts';

const words = (list: string): Set<string> => new Set(list.split(' '));

/** Elements that begin and end a block. The `ac:` ones are those of Confluence's storage format. */
const BLOCKS = words(
  'address article aside blockquote body center dd details dialog div dl dt fieldset figcaption figure footer form h1 h2 h3 h4 h5 ' +
    'h6 header hr html legend li main ol option p pre section summary ul table caption thead tbody tfoot tr td th title ' +
    'ac:layout ac:layout-section ac:layout-cell ac:rich-text-body ac:plain-text-body ac:task-list ac:task ac:task-body ac:caption',
);
/** Elements whose content is never read. */
const SKIPPED = words(
  'script style noscript template svg iframe canvas object audio video map button select datalist ' +
    'ac:task-id ac:task-uuid ac:task-status ac:placeholder ac:adf-fallback ac:adf-attribute',
);
/** Macros that stand in a line of text. */
const INLINE_MACROS = words('status anchor jira emoticon profile-picture mathinline latex-inline');
/** Stands for a forced line break until white space has been collapsed. */
const BREAK = '\u2028';

type OpenTable = Table & { inHead: boolean; allHeaders: boolean };
type Place = { kind: Block['kind']; level?: number };

/** Turns parser events into blocks: a handler for htmlparser2, and `finish` for what it gathered. */
export function createHtmlReader(options: { skipNavigation: boolean }): {
  handler: Partial<Handler>;
  finish(): Normalized;
} {
  const list = createBlockList();
  const tables: OpenTable[] = [];
  const places: Place[] = [{ kind: 'paragraph' }];
  let text = '';
  let title: string | undefined;
  let inTitle = false;
  let skipDepth = 0;
  let link: { length: number; name?: string } | undefined;
  let lastRead = '';

  const add = (block: Block): void => {
    const cell = tables.at(-1)?.rows.at(-1)?.at(-1);
    if (cell) cell.blocks.push(block);
    else list.add(block);
  };
  /** Ends the run of words before a block begins or ends. */
  const flush = (): void => {
    const place = places.at(-1)!;
    const run = place.kind === 'code' ? text.replaceAll(BREAK, '\n') : collapse(text);
    text = '';
    if (link) link.length = 0;
    if (run.trim() !== '') add({ ...place, text: run });
  };
  const isSkipped = (name: string, attributes: Record<string, string>): boolean => {
    if (SKIPPED.has(name)) return true;
    if (name === 'ac:parameter') return attributes['ac:name'] !== 'title';
    if (attributes.hidden !== undefined && attributes.hidden !== 'until-found') return true;
    return options.skipNavigation && (name === 'nav' || attributes.role === 'navigation');
  };

  const open = (name: string, attributes: Record<string, string>): void => {
    if (skipDepth > 0 || isSkipped(name, attributes)) {
      skipDepth++;
      return;
    }
    if (BLOCKS.has(name)) flush();
    const heading = /^h([1-6])$/.exec(name)?.[1];
    if (heading) places.push({ kind: 'heading', level: Number(heading) });
    switch (name) {
      case 'title':
        inTitle = title === undefined;
        break;
      case 'br':
        text += BREAK;
        break;
      case 'img':
        text += ` ${attributes.alt ?? ''} `;
        break;
      case 'li':
      case 'ac:task':
        places.push({ kind: 'list-item' });
        break;
      case 'pre':
      case 'ac:plain-text-body':
        places.push({ kind: 'code' });
        break;
      case 'caption':
      case 'figcaption':
      case 'ac:caption':
        places.push({ kind: 'caption' });
        break;
      case 'ac:structured-macro':
        if (!INLINE_MACROS.has(attributes['ac:name'] ?? '')) flush();
        break;
      case 'ac:link':
        link = { length: text.length };
        break;
      case 'time':
        lastRead = attributes.datetime ?? '';
        break;
      case 'table':
        tables.push({ rows: [], headed: false, inHead: false, allHeaders: true });
        places.push({ kind: 'paragraph' });
        break;
      default:
        openInTable(name);
    }
    if (link && name.startsWith('ri:')) link.name = attributes['ri:content-title'] ?? attributes['ri:filename'];
  };
  const openInTable = (name: string): void => {
    const table = tables.at(-1);
    if (!table) return;
    if (name === 'thead') table.inHead = true;
    if (name === 'tr') table.rows.push([]);
    if (name !== 'td' && name !== 'th') return;
    if (table.rows.length === 0) table.rows.push([]);
    if (table.rows.length === 1) {
      table.allHeaders &&= name === 'th';
      table.headed = table.inHead || table.allHeaders;
    }
    table.rows.at(-1)!.push({ blocks: [] });
    places.push({ kind: 'paragraph' });
  };

  const close = (name: string): void => {
    if (skipDepth > 0) {
      skipDepth--;
      return;
    }
    if (name === 'time') {
      // Confluence writes dates as empty elements; elsewhere the words inside are the date.
      if (lastRead !== '') text += lastRead;
      lastRead = '';
    }
    if (name === 'ac:link') {
      if (link?.name && text.length === link.length) text += link.name;
      link = undefined;
    }
    if (inTitle && name === 'title') {
      title = collapse(text).trim();
      text = '';
      inTitle = false;
      return;
    }
    if (!BLOCKS.has(name)) return;
    flush();
    if (PLACED.has(name) && places.length > 1) places.pop();
    if (name === 'thead' && tables.length > 0) tables.at(-1)!.inHead = false;
    const table = name === 'table' ? tables.pop() : undefined;
    if (table) for (const block of tableBlocks(table)) add(block);
  };

  return {
    handler: {
      onopentag: open,
      onclosetag: close,
      ontext(data) {
        if (skipDepth > 0) return;
        if (data.trim() !== '') lastRead = '';
        text += data;
      },
    },
    finish() {
      flush();
      while (tables.length > 0) for (const block of tableBlocks(tables.pop()!)) add(block);
      const heading = list.blocks.find(({ kind, level }) => kind === 'heading' && level === 1);
      return { title: title || heading?.text, blocks: list.blocks };
    },
  };
}

/** Elements that opened a place of their own. */
const PLACED = words('h1 h2 h3 h4 h5 h6 li pre caption figcaption table td th ac:task ac:plain-text-body ac:caption');

const collapse = (text: string): string =>
  text
    .replace(/[ \t\n\r\f]+/g, ' ')
    .replace(/ ?\u2028 ?/g, '\n')
    .replace(/\n{3,}/g, '\n\n')
    .trim();
