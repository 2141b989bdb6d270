import type { Token, Tokens } from 'marked';
import { Lexer } from 'marked';
import type { Block } from '../normalized.ts';
import { cutBefore } from '../cut.ts';
import { createBlockList } from './block-list.ts';
import { htmlBlocks } from './html.ts';
import type { Normalized } from './normalize.ts';
import { headerOf, rowText } from './tables.ts';
import { normalizeText } from './text.ts';

/** Characters of one paragraph that are read for emphasis and links at a time: marked's time grows with their square. */
const INLINE_PIECE = 2_000;
/** Deeper lists are taken for lists of this depth: marked's memory grows with the square of it. */
const DEEPEST = ' '.repeat(60);

/** Markdown as blocks: headings, lists, tables and code of the source; HTML in it is read as HTML. */
export function normalizeMarkdown(text: string): Normalized {
  const matter = /^---[ \t]*\n([^]*?)\n(?:---|\.\.\.)[ \t]*(?:\n|$)/.exec(text);
  const list = createBlockList();
  if (matter?.[1]?.trim()) list.add({ kind: 'paragraph', text: matter[1] });
  const tokens = tokensOf(matter ? text.slice(matter[0].length) : text);
  // Only nesting of some thousand levels ends here.
  if (!tokens) return normalizeText(text);
  for (const block of tokens.flatMap(blocksOf)) list.add(block);
  const named = /^title:\s*["']?(.*?)["']?\s*$/m.exec(matter?.[1] ?? '')?.[1];
  return {
    title: named ?? list.blocks.find(({ kind, level }) => kind === 'heading' && level === 1)?.text,
    blocks: list.blocks,
  };
}

function tokensOf(text: string): Token[] | undefined {
  const lexer = new Lexer({ gfm: true });
  try {
    lexer.blockTokens(text.replace(/^[ \t]{61,}(?=([-*+]|\d{1,9}[.)])[ \t])/gm, DEEPEST), lexer.tokens);
    for (const { src, tokens } of lexer.inlineQueue)
      for (let from = 0; from < src.length;) {
        const to = cutBefore(src, from, from + INLINE_PIECE);
        lexer.inlineTokens(src.slice(from, to), tokens);
        from = to;
      }
    return lexer.tokens;
  } catch (error) {
    if (error instanceof RangeError) return undefined;
    throw error;
  }
}

function blocksOf(token: Token): Block[] {
  switch (token.type) {
    case 'heading':
      return [{ kind: 'heading', level: (token as Tokens.Heading).depth, text: inline(token) }];
    case 'code':
      return [{ kind: 'code', text: (token as Tokens.Code).text }];
    case 'list':
      return (token as Tokens.List).items.flatMap(itemBlocks);
    case 'table':
      return tableRows(token as Tokens.Table);
    case 'blockquote':
      return ((token as Tokens.Blockquote).tokens ?? []).flatMap(blocksOf);
    case 'html':
      return htmlBlocks(token.raw).blocks;
    case 'space':
    case 'hr':
    case 'def':
      return [];
    default:
      return [{ kind: 'paragraph', text: inline(token) }];
  }
}

/** An item's own words first, then its nested lists and code as blocks of their own. */
function itemBlocks(item: Tokens.ListItem): Block[] {
  const words: string[] = [];
  const nested: Block[] = [];
  for (const token of item.tokens) {
    if (token.type === 'checkbox') continue;
    if (nested.length === 0 && (token.type === 'text' || token.type === 'paragraph')) words.push(inline(token));
    else
      nested.push(
        ...blocksOf(token).map((block): Block =>
          block.kind === 'heading' ? { ...block, kind: 'paragraph', level: undefined } : block,
        ),
      );
  }
  const mark = item.task ? (item.checked ? '[x] ' : '[ ] ') : '';
  return [{ kind: 'list-item', text: mark + words.join('\n') }, ...nested];
}

function tableRows(table: Tokens.Table): Block[] {
  const cells = (row: Tokens.TableCell[]) => row.map((cell) => inline(cell).replace(/\s+/g, ' ').trim());
  const names = cells(table.header);
  const header = headerOf(names) ?? rowText(names);
  return [names, ...table.rows.map(cells)]
    .filter((row) => row.some((cell) => cell !== ''))
    .map((row) => ({ kind: 'table-row', text: rowText(row), tableHeader: header === '' ? undefined : header }));
}

/** The words of inline tokens, without their marks; of an image its alternative text. */
function inline(token: { type?: string; text?: string; raw?: string; tokens?: Token[] }): string {
  switch (token.type) {
    case 'br':
      return '\n';
    case 'html':
      // Inline HTML comes tag by tag; the words between the tags are tokens of their own.
      return /^<br\b/i.test(token.raw ?? '') ? '\n' : '';
    case 'checkbox':
      return '';
    case 'image':
      return token.text ?? '';
    case 'codespan':
    case 'escape':
      return unescape(token.text ?? '', token.type);
  }
  if (token.tokens && token.tokens.length > 0) return token.tokens.map(inline).join('');
  return unescape(token.text ?? '', token.type);
}

const ENTITIES: Record<string, string> = { amp: '&', lt: '<', gt: '>', quot: '"', nbsp: ' ', '#39': "'", copy: '©' };
const unescape = (text: string, type?: string): string =>
  type === 'codespan' ? text : text.replace(/&(amp|lt|gt|quot|nbsp|#39|copy);/g, (_, name: string) => ENTITIES[name]!);
