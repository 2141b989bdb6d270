import type { Block } from '../normalized.ts';
import { createBlockList } from './block-list.ts';
import { createBodyReader } from './docx-body.ts';
import type { ParagraphStyle } from './docx-styles.ts';
import { readStyles } from './docx-styles.ts';
import type { Normalized } from './normalize.ts';
import { coreTitle, relationsOf } from './ooxml.ts';
import { walkXml } from './xml.ts';
import type { Zip } from './zip.ts';

/**
 * A Word document as it reads with all changes accepted: headings by style and outline level, lists, tables, text boxes; notes after the
 * paragraph that refers to them; comments, then headers and footers (each once) at the end.
 * Errors: ContentError `corrupt`, `too_large`.
 */
export async function normalizeDocx(zip: Zip): Promise<Normalized> {
  const main =
    (await relationsOf(zip, '')).find(({ type }) => type.endsWith('/officeDocument'))?.target ?? 'word/document.xml';
  const relations = await relationsOf(zip, main);
  const partsOf = (type: string): string[] =>
    relations
      .filter((relation) => relation.type.endsWith(`/${type}`) && zip.has(relation.target))
      .map(({ target }) => target);
  const styleOf = await readStyles(zip, partsOf('styles')[0]);
  const notes = {
    footnote: await readNotes(zip, partsOf('footnotes')[0], 'footnote'),
    endnote: await readNotes(zip, partsOf('endnotes')[0], 'endnote'),
  };
  const list = createBlockList();
  let title: string | undefined;
  const reader = createBodyReader({
    add: list.add,
    styleOf,
    onTitle: (text) => void (title ??= text),
    noteText: (kind, id) => notes[kind].get(id),
  });
  await walkXml(zip, main, reader);
  const heading = list.blocks.find(({ kind, level }) => kind === 'heading' && level === 1)?.text;
  for (const part of partsOf('comments'))
    for (const comment of (await readNotes(zip, part, 'comment')).values())
      list.add({ kind: 'paragraph', text: `Comment: ${comment}` });
  for (const block of await readMargins(zip, [...partsOf('header'), ...partsOf('footer')], styleOf)) list.add(block);
  return { title: title ?? (await coreTitle(zip)) ?? heading, blocks: list.blocks };
}

/** Footnotes, endnotes or comments by id; the separators that Word keeps among them are left out. */
async function readNotes(zip: Zip, part: string | undefined, element: string): Promise<Map<string, string>> {
  const notes = new Map<string, string>();
  if (!part) return notes;
  let id: string | undefined;
  let blocks: Block[] = [];
  const body = createBodyReader({ add: (block) => void blocks.push(block), styleOf: () => PLAIN });
  await walkXml(zip, part, {
    open(tag) {
      if (tag.name === element) {
        id = /separator|notice/i.test(tag.attribute('type') ?? '') ? undefined : tag.attribute('id');
        blocks = [];
      } else body.open?.(tag);
    },
    close(name) {
      if (name !== element) return body.close?.(name);
      const text = blocks.map((block) => block.text).join('\n');
      if (id !== undefined && text !== '') notes.set(id, text);
    },
    text: (text) => body.text?.(text),
  });
  return notes;
}

/** What headers and footers say, each text once; page numbers alone are left out. */
async function readMargins(
  zip: Zip,
  parts: string[],
  styleOf: (id: string | undefined) => ParagraphStyle,
): Promise<Block[]> {
  const seen = new Map<string, Block>();
  for (const part of parts.slice(0, 60)) {
    const body = createBodyReader({
      add: (block) => addMargin(seen, block),
      styleOf,
    });
    await walkXml(zip, part, body);
  }
  return [...seen.values()];
}

/** Keeps what a header or footer says, by its text; page numbers alone say nothing. */
export function addMargin(seen: Map<string, Block>, { text }: Block): void {
  if (/\p{L}{2}/u.test(text.replace(/\b(page|of|seite|von|sur)\b/gi, ''))) seen.set(text, { kind: 'paragraph', text });
}

const PLAIN: ParagraphStyle = { isTitle: false, isList: false };
