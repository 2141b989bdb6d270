import { createHash } from 'node:crypto';
import type { Block, NormalizedDocument } from './normalized.ts';
import type { Chunk } from './pipeline.ts';
import { embedTextOf, prefixForms } from './prefix.ts';
import { sectionMarks } from './section-marks.ts';
import type { Piece } from './split.ts';
import { cellPieces, lastSentences, linePieces, sentencePieces } from './split.ts';
import { countTokens } from './tokens.ts';

/** Tokens (o200k_base) of one chunk's `embedText`, prefix included. */
export const CHUNK_TOKENS = 400;
/** Tokens the prefix may take, and the sentences repeated from the chunk before. */
const PREFIX_TOKENS = 100;
const OVERLAP_TOKENS = 60;
/** Characters beyond which a paragraph is split without being counted whole first. */
const WHOLE_CHARACTERS = CHUNK_TOKENS * 8;

type Heading = { level: number; text: string; page?: number; anchor?: string; used: boolean };
type Unit = Piece & {
  glue: '' | ' ' | '\n' | '\n\n';
  page?: number;
  anchor?: string;
  /** Sentences of running text: these may be repeated at the top of the next chunk. */
  prose?: boolean;
  /** Taken over from the chunk before. */
  repeated?: boolean;
};

/**
 * Cuts a document into chunks of at most 400 tokens that never cross a heading. Paragraphs, rows and code stay whole where they fit;
 * a table that is split repeats its header; prose that is split repeats its last one or two sentences. A heading without text of
 * its own or below it becomes a chunk itself, so nothing that can be read is lost. In a long section an edit changes the chunks around it
 * only. Takes time linear in the text.
 */
export function chunkDocument(document: NormalizedDocument, options: { title: string }): Chunk[] {
  const chunks: Chunk[] = [];
  let path: Heading[] = [];
  let section: Block[] = [];

  const emit = (headings: Heading[], prefix: Piece, units: Unit[]): void => {
    const text = textOf(units);
    if (text.trim() === '') return;
    for (const heading of headings) heading.used = true;
    const first = units.find((unit) => !unit.repeated) ?? units[0];
    const embedText = embedTextOf(prefix.text, text);
    chunks.push({
      ordinal: chunks.length,
      text,
      headingPath: headings.map((heading) => heading.text),
      page: first?.page,
      anchor: joinAnchors(units),
      tokenCount: prefix.tokens + units.reduce((sum, { tokens }) => sum + tokens, 0),
      textHash: createHash('sha256').update(embedText).digest('hex'),
      embedText,
    });
  };
  const endSection = (): void => {
    if (section.length === 0) return;
    const headings = [...path];
    const prefix = prefixOf(options.title, headings);
    packSection(section, CHUNK_TOKENS - prefix.tokens, (units) => emit(headings, prefix, units));
    section = [];
  };
  const leave = (level: number): void => {
    endSection();
    while (path.length > 0 && path.at(-1)!.level >= level) {
      const heading = path.at(-1)!;
      path = path.slice(0, -1);
      if (heading.used) continue;
      const headings = [...path];
      const prefix = prefixOf(options.title, headings);
      packSection([{ ...heading, kind: 'paragraph' }], CHUNK_TOKENS - prefix.tokens, (units) =>
        emit(headings, prefix, units),
      );
    }
  };

  for (const block of document.blocks) {
    if (block.kind !== 'heading') {
      section.push(block);
      continue;
    }
    const level = block.level ?? 1;
    leave(level);
    path = [...path, { level, text: block.text, page: block.page, anchor: block.anchor, used: false }];
  }
  leave(0);
  return chunks;
}

/** Fills chunks of at most `budget` tokens with one section's blocks, in order. */
function packSection(blocks: Block[], budget: number, emit: (units: Unit[]) => void): void {
  let units: Unit[] = [];
  let tokens = 0;
  let header: string | undefined;
  let previous: Block | undefined;

  const hasFresh = (): boolean => units.some((unit) => !unit.repeated);
  const fits = (cost: number): boolean => tokens + cost <= budget;
  const push = (unit: Unit): void => {
    units.push(unit);
    tokens += unit.tokens;
  };
  /** Ends the chunk; `repeat` opens the next one with its last sentences. */
  const close = (repeat: boolean): void => {
    const last = units.at(-1);
    const lastText = hasFresh() ? textOf(units) : '';
    if (hasFresh()) emit(units);
    units = [];
    tokens = 0;
    header = undefined;
    if (!repeat || !last?.prose) return;
    const overlap = lastSentences(lastText, Math.min(OVERLAP_TOKENS, Math.floor(budget / 4)));
    if (overlap && overlap.text !== lastText)
      push({ ...overlap, glue: '', page: last.page, anchor: last.anchor, repeated: true });
  };
  const dropOverlap = (cost: number): void => {
    if (fits(cost) || hasFresh()) return;
    units = [];
    tokens = 0;
  };
  const glueFor = (block: Block): Unit['glue'] => {
    if (units.length === 0) return '';
    return previous?.kind === block.kind && (block.kind === 'table-row' || block.kind === 'list-item') ? '\n' : '\n\n';
  };
  /** Adds what may be divided: piece after piece, over as many chunks as it takes. */
  const flow = (block: Block, pieces: Iterable<Piece>, repeat: boolean): void => {
    let glue = glueFor(block);
    for (const piece of pieces) {
      const cost = piece.tokens + (glue === '' ? 0 : 1);
      if (!fits(cost) && hasFresh()) {
        close(repeat);
        glue = units.length > 0 ? ' ' : '';
      }
      dropOverlap(cost);
      if (units.length === 0) glue = '';
      push({ text: piece.text, tokens: cost, glue, page: block.page, anchor: block.anchor, prose: isProse(block) });
      glue = '';
    }
  };
  /** Adds a block as one unit if it fits here or in a chunk of its own. */
  const whole = (block: Block, text: string, cost: number, repeat: boolean): void => {
    if (!fits(cost) && hasFresh()) close(repeat);
    dropOverlap(cost);
    push({ text, tokens: cost, glue: glueFor(block), page: block.page, anchor: block.anchor, prose: isProse(block) });
  };
  const addProse = (block: Block): void => {
    const text = block.kind === 'list-item' ? `- ${block.text}` : block.text;
    if (text.length <= WHOLE_CHARACTERS) {
      const cost = countTokens(text) + 1;
      // A paragraph that would leave the chunk before it half empty is divided instead of moved.
      if (fits(cost) || (cost <= budget && (cost <= budget / 2 || tokens >= budget / 2)))
        return whole(block, text, cost, true);
    }
    flow(block, sentencePieces(text, budget - 1), true);
  };
  const addCode = (block: Block): void => {
    if (block.text.length <= WHOLE_CHARACTERS) {
      const cost = countTokens(block.text) + 1;
      if (cost <= budget) return whole(block, block.text, cost, false);
    }
    flow(block, linePieces(block.text, budget - 1), false);
  };
  const addRow = (block: Block, next: Block | undefined): void => {
    const { text, tableHeader } = block;
    // A header row is written with the first row below it.
    if (text === tableHeader && next?.tableHeader === tableHeader) return;
    const headerText = text === tableHeader ? undefined : tableHeader;
    const headerCost = headerText === undefined ? 0 : costOfHeader(headerText);
    if (headerCost > budget / 3) return flow(block, cellPieces(text, headerText, budget - 1), false);
    const cost = (text.length <= WHOLE_CHARACTERS ? countTokens(text) : Infinity) + 1;
    if (cost + headerCost > budget) return flow(block, cellPieces(text, headerText, budget - 1), false);
    const needed = header === headerText ? cost : cost + headerCost;
    if (!fits(needed) && hasFresh()) close(false);
    dropOverlap(cost + headerCost);
    if (headerText !== undefined && header !== headerText) {
      push({
        text: headerText,
        tokens: headerCost,
        glue: glueFor({ ...block, kind: 'caption' }),
        page: block.page,
        anchor: block.anchor,
      });
      header = headerText;
      previous = block;
    }
    push({ text, tokens: cost, glue: glueFor(block), page: block.page, anchor: block.anchor });
  };

  const marks = sectionMarks(blocks);
  for (const [at, block] of blocks.entries()) {
    if (marks.has(at) && hasFresh()) close(isProse(block));
    if (block.kind === 'table-row') addRow(block, blocks[at + 1]);
    else {
      header = undefined;
      if (block.kind === 'code') addCode(block);
      else addProse(block);
    }
    previous = block;
  }
  close(false);
}

const isProse = ({ kind }: Block): boolean => kind !== 'table-row' && kind !== 'code';

/** The same header stands above very many rows, so its cost is remembered. */
const costOfHeader = (() => {
  let known = { text: '', cost: 0 };
  return (text: string): number => {
    if (text !== known.text) known = { text, cost: countTokens(text) + 1 };
    return known.cost;
  };
})();

const textOf = (units: Unit[]): string =>
  units
    .map(({ glue, text }) => glue + text)
    .join('')
    .replace(/^\n+/, '')
    .trimEnd();

/** Title and headings in one line; long ones are shortened until they cost at most 100 tokens, two line ends included. */
function prefixOf(title: string, headings: Heading[]): Piece {
  const headingPath = headings.map(({ text }) => text);
  for (const text of prefixForms(title, headingPath)) {
    const tokens = text === '' ? 0 : countTokens(text) + 2;
    if (tokens <= PREFIX_TOKENS) return { text, tokens };
  }
  return { text: '', tokens: 0 };
}

/** The first unit's anchor; cell ranges of one sheet are joined to one range. */
function joinAnchors(units: Unit[]): string | undefined {
  const anchors = units.flatMap(({ anchor, repeated }) => (anchor === undefined || repeated ? [] : [anchor]));
  const first = RANGE.exec(anchors[0] ?? '');
  const last = RANGE.exec(anchors.at(-1) ?? '');
  if (!first || !last || first[1] !== last[1]) return anchors[0];
  const right = anchors.reduce((widest, anchor) => {
    const column = RANGE.exec(anchor)?.[4] ?? '';
    return column.length > widest.length || (column.length === widest.length && column > widest) ? column : widest;
  }, '');
  return `${first[1]}!${first[2]}${first[3]}:${right}${last[5]}`;
}

const RANGE = /^(.*)!([A-Z]+)(\d+):([A-Z]+)(\d+)$/;
