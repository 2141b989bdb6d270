import type { Block } from '../normalized.ts';
import { ContentError } from '../normalized.ts';
import { createBlockList } from './block-list.ts';
import { addMargin } from './docx.ts';
import type { Normalized } from './normalize.ts';
import { codepageOfCharset, decodeCodepage } from './rtf-codepages.ts';
import type { RtfParagraph, RtfStory } from './rtf-story.ts';
import { createRtfStory } from './rtf-story.ts';
import { walkRtf } from './rtf-tokens.ts';
import { MARGINS, SKIPPED, STARRED, SYMBOLS } from './rtf-words.ts';

/** Groups within one another, at most. Documents have some tens. */
const MAX_DEPTH = 4_000;
/** Characters of a style's name and of the document's title that are kept. */
const MAX_NAME = 1_000;

/** What the words of a group are: text of a story, a name to be kept, or nothing that is read. */
type Use = 'text' | 'skip' | 'fonts' | 'styles' | 'title' | 'info';
type Group = {
  use: Use;
  font?: number;
  /** Characters that stand for a `\u` where it is not understood. */
  fallback: number;
  hidden: boolean;
  deleted: boolean;
  paragraph: RtfParagraph;
  /** What the group's end does, for the group that began it. */
  onClose?: () => void;
};
type Style = { name: string; level?: number };

/** Every byte as a piece of text. */
const BYTES = Array.from({ length: 256 }, (_, byte) => Buffer.of(byte));
const PLAIN: RtfParagraph = { isTitle: false, isList: false, inTable: false };

/**
 * A document in Rich Text Format as it reads with all changes accepted: headings by style and outline level, lists, tables; notes and text
 * boxes after the paragraph that refers to them; comments, then headers and footers (each once) at the end. Hidden text is left out. A file
 * that ends early is read as far as it goes. Errors: ContentError `corrupt`, `too_large`.
 * Source: Rich Text Format 1.9.1, https://interoperability.blob.core.windows.net/files/Archive_References/[MSFT-RTF].pdf
 */
export function normalizeRtf(pieces: Iterable<Buffer>): Normalized {
  const list = createBlockList();
  const comments: Block[] = [];
  const margins = new Map<string, Block>();
  const fonts = new Map<number, number | undefined>();
  const styles = new Map<number, Style>();
  let documentCodepage = 1252;
  let defaultFont: number | undefined;
  let title = '';
  let shownTitle: string | undefined;
  let story = createRtfStory(list.add, (text) => void (shownTitle ??= text));
  const groups: Group[] = [];
  let group: Group = { use: 'text', fallback: 1, hidden: false, deleted: false, paragraph: PLAIN };
  let isFirstWord = false;
  let isStarred = false;
  /** Characters still to be passed over after a `\u`. */
  let toSkip = 0;
  let isHeaderRow = false;
  let font: number | undefined;
  let style: Style = { name: '' };
  let styleNumber = 0;
  const run: Buffer[] = [];

  const codepage = (): number => {
    const used = group.font ?? defaultFont;
    return (used === undefined ? undefined : fonts.get(used)) ?? documentCodepage;
  };
  /** Writes the bytes that came so far: those of one letter may stand in several pieces. */
  const flush = (): void => {
    if (run.length === 0) return;
    const text = decodeCodepage(run.length === 1 ? run[0]! : Buffer.concat(run), codepage());
    run.length = 0;
    write(text);
  };
  const write = (text: string): void => {
    if (group.use === 'text') {
      if (!group.hidden && !group.deleted) story.write(text);
    } else if (group.use === 'title') title = (title + text).slice(0, MAX_NAME);
    else if (group.use === 'styles') style.name = (style.name + text).slice(0, MAX_NAME);
  };
  const bytesOf = (piece: Buffer): void => {
    isFirstWord = false;
    if (group.use === 'skip' || group.use === 'fonts' || group.use === 'info') return;
    const kept = toSkip > 0 ? piece.subarray(toSkip) : piece;
    toSkip = Math.max(0, toSkip - piece.length);
    if (kept.length > 0) run.push(kept);
  };
  /** Text of its own, until the group ends: `then` is given its blocks. */
  const beginStory = (then: (blocks: Block[]) => void): void => {
    const outer: RtfStory = story;
    const blocks: Block[] = [];
    story = createRtfStory((block) => void blocks.push(block));
    const paragraph = group.paragraph;
    group.use = 'text';
    group.paragraph = PLAIN;
    const inner = group;
    group.onClose = () => {
      story.finish(inner.paragraph);
      story = outer;
      inner.paragraph = paragraph;
      then(blocks);
    };
  };
  const anchored = (blocks: Block[]): void => story.anchor(blocks);

  /** Begins what the first word of a group names. Gives whether the word is dealt with. */
  const beginDestination = (name: string): boolean => {
    if (group.use === 'skip') return true;
    if (name === 'stylesheet') group.use = 'styles';
    else if (name === 'fonttbl') group.use = 'fonts';
    else if (name === 'info') group.use = 'info';
    else if (name === 'title' && group.use === 'info') group.use = 'title';
    else if (group.use !== 'text') {
      if (isStarred) group.use = 'skip';
      return isStarred;
    } else if (name === 'footnote' || name === 'shptxt') beginStory(anchored);
    else if (name === 'annotation')
      beginStory((blocks) => {
        const text = blocks.map((block) => block.text).join('\n');
        if (text !== '') comments.push({ kind: 'paragraph', text: `Comment: ${text}` });
      });
    else if (MARGINS.test(name)) beginStory((blocks) => blocks.forEach((block) => addMargin(margins, block)));
    else if (SKIPPED.has(name)) {
      // The mark before a list's item is made up when the document is shown.
      if (name === 'listtext' || name === 'pntext') markList();
      group.use = 'skip';
    } else if (isStarred && !STARRED.has(name)) group.use = 'skip';
    else return false;
    return true;
  };
  const markList = (): void => {
    const marked = { ...group.paragraph, isList: true };
    group.paragraph = marked;
    const around = groups.at(-1);
    if (around) around.paragraph = marked;
  };
  const set = (change: Partial<RtfParagraph>): void => void (group.paragraph = { ...group.paragraph, ...change });

  const property = (name: string, value: number | undefined): void => {
    switch (name) {
      case 'ansicpg':
        documentCodepage = value ?? 1252;
        return;
      case 'mac':
        documentCodepage = 10_000;
        return;
      case 'deff':
        defaultFont = value;
        return;
      case 'uc':
        group.fallback = Math.max(0, Math.min(value ?? 1, 100));
        return;
      case 'u':
        write(String.fromCharCode((value ?? 0) & 0xffff));
        toSkip = group.fallback;
        return;
      case 'plain':
        group.hidden = false;
        group.deleted = false;
        group.font = defaultFont;
        return;
      case 'f':
        if (group.use === 'fonts') font = value;
        else group.font = value;
        return;
      case 'fcharset':
        if (group.use === 'fonts' && font !== undefined) fonts.set(font, codepageOfCharset(value ?? 1));
        return;
      case 'cpg':
        if (group.use === 'fonts' && font !== undefined) fonts.set(font, value);
        return;
      case 'v':
        group.hidden = value !== 0;
        return;
      case 'deleted':
        group.deleted = value !== 0;
        return;
      case 's':
        styleNumber = value ?? 0;
        if (group.use === 'text') set(meaningOf(styles.get(styleNumber)));
        return;
      case 'outlinelevel': {
        const level = value !== undefined && value >= 0 && value < 9 ? Math.min(6, value + 1) : undefined;
        if (group.use === 'styles') style.level = level;
        else set({ level });
        return;
      }
      case 'ls':
        return set({ isList: value !== 0 });
      case 'intbl':
        return set({ inTable: true });
      case 'pard':
        group.paragraph = PLAIN;
        return;
      case 'trowd':
        isHeaderRow = false;
        return;
      case 'trhdr':
        isHeaderRow = true;
    }
  };
  const structure = (name: string): void => {
    if (group.use !== 'text') return;
    switch (name) {
      case 'par':
      case 'sect':
      case 'page':
      case 'nestcell':
      case 'nestrow':
        return story.endParagraph(group.paragraph);
      case 'cell':
        return story.endCell(group.paragraph);
      case 'row':
        return story.endRow(isHeaderRow);
      default: {
        const symbol = SYMBOLS[name];
        if (symbol !== undefined) write(symbol);
      }
    }
  };
  /** A style's name ends with a semicolon. */
  const endStyle = (): void => {
    styles.set(styleNumber, { ...style, name: style.name.replace(/;.*$/s, '').trim() });
    style = { name: '' };
    styleNumber = 0;
  };

  walkRtf(pieces, {
    open() {
      flush();
      if (groups.length >= MAX_DEPTH)
        throw new ContentError(
          'corrupt',
          `The file was refused because its groups nest over ${MAX_DEPTH} deep, as only files made to do harm do; save it again in its program and import that.`,
        );
      groups.push(group);
      group = { ...group, onClose: undefined };
      isFirstWord = true;
      isStarred = false;
      toSkip = 0;
    },
    close() {
      flush();
      const ended = group;
      const around = groups.pop();
      // More ends than beginnings: what follows is read all the same.
      if (!around) return;
      ended.onClose?.();
      if (ended.use === 'styles' && around.use === 'styles') endStyle();
      group = around;
      isFirstWord = false;
      toSkip = 0;
    },
    word(name, value) {
      if (name === '*' && isFirstWord) return void (isStarred = true);
      const isFirst = isFirstWord;
      isFirstWord = false;
      if (group.use === 'skip') return;
      flush();
      // A symbol may stand for a letter; what makes up the document never does.
      if (toSkip > 0 && name !== 'u' && SYMBOLS[name] !== undefined) return void toSkip--;
      toSkip = 0;
      if (isFirst && beginDestination(name)) return;
      property(name, value);
      structure(name);
    },
    byte: (byte) => bytesOf(BYTES[byte]!),
    text: bytesOf,
  });
  flush();
  for (const { onClose } of [group, ...groups.reverse()]) onClose?.();
  story.finish(group.paragraph);
  for (const block of [...comments, ...margins.values()]) list.add(block);
  const heading = list.blocks.find(({ kind, level }) => kind === 'heading' && level === 1)?.text;
  // Some writers put question marks for every letter of a title they cannot write.
  const own = /[\p{L}\p{N}]/u.test(title) ? title : undefined;
  return { title: own ?? shownTitle ?? heading, blocks: list.blocks };
}

/** What a style says of its paragraphs: headings by outline level, or by the names that all programs write in English. */
function meaningOf(style: Style | undefined): Partial<RtfParagraph> {
  const byName = /^heading\s*([1-9])\b/i.exec(style?.name ?? '')?.[1];
  const level = style?.level ?? (byName ? Math.min(6, Number(byName)) : undefined);
  return {
    level,
    isTitle: /^title$/i.test(style?.name ?? ''),
    ...(/^list (bullet|number|paragraph)/i.test(style?.name ?? '') ? { isList: true } : {}),
  };
}
