import { createReadStream } from 'node:fs';
import type { Block } from '../normalized.ts';
import { ContentError } from '../normalized.ts';
import { createBlockList } from './block-list.ts';
import { addMargin } from './docx.ts';
import type { Normalized } from './normalize.ts';
import { createOdfBody } from './odf-body.ts';
import type { OdfKind } from './odf-kind.ts';
import { createOdfSheets } from './odf-sheets.ts';
import { createOdfSlides } from './odf-slides.ts';
import type { OdfStyles } from './odf-styles.ts';
import { createOdfStyles } from './odf-styles.ts';
import { titleIn } from './ooxml.ts';
import type { XmlEvents } from './xml.ts';
import { walkXml } from './xml.ts';
import type { Zip } from './zip.ts';

/**
 * An OpenDocument text, spreadsheet or presentation as it reads with all changes accepted. A text: headings, lists, tables, notes after
 * their paragraph; comments, then headers and footers (each once) at the end. A spreadsheet: sheet by sheet, hidden ones only where there is no
 * other. A presentation: slide by slide. Embedded objects (charts, formulas) are left out.
 * Errors: ContentError `corrupt`, `too_large`, `encrypted`.
 */
export async function normalizeOdf(zip: Zip, kind: OdfKind): Promise<Normalized> {
  if (!zip.has('content.xml'))
    throw new ContentError(
      'corrupt',
      'The file is damaged: its main part is missing; save it again in its program and import it once more.',
    );
  const styles = createOdfStyles();
  const margins: Block[] = [];
  if (zip.has('styles.xml')) await readStyles(zip, styles, kind === 'odt' ? margins : undefined);
  const list = createBlockList();
  let title: string | undefined;
  const onTitle = (text: string): void => void (title ??= text);
  switch (kind) {
    case 'odt': {
      const comments: string[] = [];
      const onComment = (text: string): void => void comments.push(text);
      await readBody(zip, styles, createOdfBody({ add: list.add, styles, onTitle, onComment }));
      for (const text of comments) list.add({ kind: 'paragraph', text: `Comment: ${text}` });
      for (const block of margins) list.add(block);
      title ??= list.blocks.find((block) => block.kind === 'heading' && block.level === 1)?.text;
      break;
    }
    case 'ods': {
      const sheets = createOdfSheets({ add: list.add, styles, withHidden: false });
      await readBody(zip, styles, sheets);
      if (list.blocks.length === 0 && sheets.hasHidden())
        await readBody(zip, styles, createOdfSheets({ add: list.add, styles, withHidden: true }));
      break;
    }
    case 'odp':
      await readBody(zip, styles, createOdfSlides({ add: list.add, styles, onTitle }));
  }
  const own = zip.has('meta.xml') ? await titleIn(zip, 'meta.xml') : undefined;
  return { title: own ?? title, blocks: list.blocks };
}

/** OpenDocument in a single XML file (.fodt) as if it were a package: styles and content are found in the same bytes. */
export function flatPackage(path: string): Zip {
  const names = ['styles.xml', 'content.xml'];
  return {
    names,
    has: (name) => names.includes(name),
    stream: () => createReadStream(path, { highWaterMark: 262_144 }) as AsyncIterable<Buffer>,
  };
}

/** Styles first, since they stand before the body; nothing but the body is content. */
async function readBody(zip: Zip, styles: OdfStyles, body: XmlEvents): Promise<void> {
  await walkWithin(zip, 'content.xml', (name) => name === 'body', styles.events, body);
}

/** The styles of a document and, where asked for, what its headers and footers say. */
async function readStyles(zip: Zip, styles: OdfStyles, margins: Block[] | undefined): Promise<void> {
  const isMargin = (name: string): boolean => margins !== undefined && /^(header|footer)(-left|-first)?$/.test(name);
  const seen = new Map<string, Block>();
  const body = createOdfBody({ add: (block) => addMargin(seen, block), styles });
  await walkWithin(zip, 'styles.xml', isMargin, styles.events, body);
  for (const block of seen.values()) margins?.push(block);
}

/** Walks a part; what stands in elements that `isInner` names is told to `inner`, all else to `outer`. */
async function walkWithin(
  zip: Zip,
  part: string,
  isInner: (name: string) => boolean,
  outer: XmlEvents,
  inner: XmlEvents,
): Promise<void> {
  let depth = 0;
  await walkXml(zip, part, {
    open(tag) {
      if (depth > 0) {
        depth++;
        inner.open?.(tag);
      } else if (isInner(tag.name)) depth = 1;
      else outer.open?.(tag);
    },
    close(name) {
      if (depth > 1) inner.close?.(name);
      else if (depth === 0) outer.close?.(name);
      if (depth > 0) depth--;
    },
    text(text) {
      if (depth > 0) inner.text?.(text);
    },
  });
}
