import { cutBefore } from './cut.ts';
import { countTokens } from './tokens.ts';

/** A piece of text with what it costs. */
export type Piece = { text: string; tokens: number };

// One segmenter serves all scripts: sentence ends are found by Unicode's rules, including those of Chinese and Japanese.
const segmenter = new Intl.Segmenter('en', { granularity: 'sentence' });
/** Characters given to the segmenter at a time: its cost per sentence grows with the whole string it was given. */
const WINDOW = 4_000;
/** Characters of a piece when a sentence is cut hard. */
const HARD_PIECE = 200;

/** The sentences of a text, each with the white space after it; a sentence over 4,000 characters comes in parts. */
export function* sentences(text: string): Generator<string> {
  for (let from = 0; from < text.length;) {
    const to = cutBefore(text, from, from + WINDOW);
    const found = Array.from(segmenter.segment(text.slice(from, to)), ({ segment }) => segment);
    // The last one may go on behind the window, so it is looked at again with what follows.
    if (to < text.length && found.length > 1) found.pop();
    for (const sentence of found) {
      yield sentence;
      from += sentence.length;
    }
  }
}

/** A text as pieces of at most `maxTokens`, cut at white space where there is some, else between code points. */
export function* hardPieces(text: string, maxTokens: number, size = HARD_PIECE): Generator<Piece> {
  for (let from = 0; from < text.length;) {
    const to = cutBefore(text, from, from + size);
    const piece = text.slice(from, to);
    const tokens = countTokens(piece);
    if (tokens > maxTokens && piece.length > 2) yield* hardPieces(piece, maxTokens, Math.ceil(piece.length / 2));
    else yield { text: piece, tokens };
    from = to;
  }
}

/** A text's sentences as pieces of at most `maxTokens`. */
export function* sentencePieces(text: string, maxTokens: number): Generator<Piece> {
  for (const sentence of sentences(text)) yield* fitting(sentence, maxTokens);
}

/** A text's lines, with their line ends, as pieces of at most `maxTokens`. */
export function* linePieces(text: string, maxTokens: number): Generator<Piece> {
  for (const line of text.split(/(?<=\n)/)) yield* fitting(line, maxTokens);
}

/**
 * A table row too wide for one chunk, cell by cell, each with its column's name so that it can be understood alone; empty cells
 * are left out.
 */
export function* cellPieces(row: string, header: string | undefined, maxTokens: number): Generator<Piece> {
  const cells = row.split(CELL_GAP);
  const names = header?.split(CELL_GAP);
  const named = names?.length === cells.length && row !== header;
  for (const [at, cell] of cells.entries()) {
    if (cell.trim() === '') continue;
    yield* fitting(
      `${named && names[at] ? `${names[at]}: ${cell}` : cell}${at < cells.length - 1 ? CELL_GAP : ''}`,
      maxTokens,
    );
  }
}

/** One or two last sentences of a text, to open the next chunk with; undefined where they cost over `maxTokens`. */
export function lastSentences(text: string, maxTokens: number): Piece | undefined {
  // Four characters a token is what prose has; more would be over the limit anyway.
  const tail = text.slice(-maxTokens * 8);
  const found = Array.from(segmenter.segment(tail), ({ segment }) => segment);
  // The first one is cut off in front when the text is longer than its tail.
  if (tail.length < text.length) found.shift();
  for (const count of [2, 1]) {
    if (found.length < count) continue;
    const last = found.slice(-count).join('').trim();
    const tokens = countTokens(last);
    if (last !== '' && tokens <= maxTokens) return { text: last, tokens };
  }
  return undefined;
}

const CELL_GAP = ' | ';

function* fitting(text: string, maxTokens: number): Generator<Piece> {
  if (text.length <= maxTokens * 10) {
    const tokens = countTokens(text);
    if (tokens <= maxTokens) {
      yield { text, tokens };
      return;
    }
  }
  yield* hardPieces(text, maxTokens);
}
