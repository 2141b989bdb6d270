import type { Block } from '../normalized.ts';
import { createOdfBody } from './odf-body.ts';
import type { OdfStyles } from './odf-styles.ts';
import type { XmlEvents } from './xml.ts';

/** Placeholders whose text every slide has. */
const FURNITURE = new Set(['header', 'footer', 'date-time', 'page-number', 'page']);

/**
 * Walks the slides of an OpenDocument presentation: the title (or "Slide 3") as heading, text and tables, then comments and speaker
 * notes. Hidden slides are read like others. Source: OpenDocument 1.3 part 3, chapter 10
 */
export function createOdfSlides(options: {
  add(block: Block): void;
  styles: OdfStyles;
  onTitle(text: string): void;
}): XmlEvents {
  let number = 0;
  let slide: { titles: string[]; blocks: Block[]; comments: string[]; notes: Block[] } | undefined;
  let inNotes = false;
  /** The kinds of placeholder of the frames that are open, within one another. */
  const frames: (string | undefined)[] = [];

  const body = createOdfBody({
    styles: options.styles,
    onComment: (text) => void slide?.comments.push(text),
    add(block) {
      const placeholder = frames.findLast((each) => each !== undefined);
      if (!slide || FURNITURE.has(placeholder ?? '')) return;
      if (inNotes) slide.notes.push({ kind: block.kind === 'list-item' ? 'paragraph' : block.kind, text: block.text });
      else if (placeholder === 'title') slide.titles.push(block.text);
      else slide.blocks.push(block);
    },
  });
  const endSlide = (): void => {
    if (!slide) return;
    const title = slide.titles.join(' ').replace(/\s+/g, ' ').trim();
    if (title !== '') options.onTitle(title);
    const comments = slide.comments.map((text): Block => ({ kind: 'paragraph', text: `Comment: ${text}` }));
    const place = { page: number, anchor: `Slide ${number}` };
    options.add({ kind: 'heading', level: 1, text: title === '' ? `Slide ${number}` : title, ...place });
    // Headings within a slide would end its own.
    for (const block of [...slide.blocks, ...comments, ...slide.notes])
      options.add({
        ...block,
        ...place,
        ...(block.kind === 'heading' ? { level: Math.max(2, block.level ?? 2) } : {}),
      });
    slide = undefined;
  };

  return {
    open(tag) {
      if (tag.name === 'page' && !slide) {
        number++;
        slide = { titles: [], blocks: [], comments: [], notes: [] };
      } else if (tag.name === 'notes') inNotes = true;
      else if (isFrame(tag.name)) frames.push(tag.attribute('class'));
      body.open?.(tag);
    },
    close(name) {
      body.close?.(name);
      if (name === 'page') endSlide();
      else if (name === 'notes') inNotes = false;
      else if (isFrame(name)) frames.pop();
    },
    text: (text) => body.text?.(text),
  };
}

const isFrame = (name: string): boolean => name === 'frame' || name === 'custom-shape';
